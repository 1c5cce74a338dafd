"""A page of plain text as PDF, as scanners and older systems file their reports (ISO 32000-1)."""

_HEAD = b"%PDF-1.4\n"
_LINE_HEIGHT = 14


def pdf_page(text: str) -> bytes:
    """One letter-size page in Helvetica. The text is Latin-1; one line of it is one line on the page."""
    lines = "".join(f"({_escape(line)}) Tj T*\n" for line in text.splitlines())
    stream = f"BT /F1 11 Tf {_LINE_HEIGHT} TL 60 740 Td\n{lines}ET".encode("latin-1")
    return _assemble(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )


def _escape(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _assemble(*objects: bytes) -> bytes:
    body, offsets = _HEAD, []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    size = len(objects) + 1
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (size, table, trailer)
