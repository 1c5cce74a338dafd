"""How resources and their search index lie in the database.

Each resource has one *sort date*, an interval ``low``–``high`` in microseconds since 1970 (UTC), taken from the date
parameter that clients sort its type by. Every index row repeats the chart (``patient_id``) and that interval,
so that one range of one index is the sorted page that a client asks for, however much else is on file.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Text

from portal.db import Base

#: Lengths that keep an index row below PostgreSQL's limit of 2,704 bytes.
VALUE_LENGTH = 200
#: The sort date of a resource that has none: before every other.
NO_DATE = -(2**62)

# Values compare byte by byte on both databases: prefix searches are ranges of the index.
Text_C = String(VALUE_LENGTH).with_variant(String(VALUE_LENGTH, collation="C"), "postgresql")
Key = BigInteger().with_variant(Integer, "sqlite")


class Resource(Base):
    """The current version of a resource, as JSON. ``patient_id`` is '' where it belongs to no chart."""

    __tablename__ = "resource"
    pk = Column(Key, primary_key=True, autoincrement=True)
    type = Column(String(32), nullable=False)
    id = Column(Text_C, nullable=False)
    version = Column(Integer, nullable=False)
    updated = Column(BigInteger, nullable=False)
    patient_id = Column(String(64), nullable=False)
    low = Column(BigInteger, nullable=False)
    high = Column(BigInteger, nullable=False)
    body = Column(Text, nullable=False)

    __table_args__ = (
        Index("resource_type_id", "type", "id", unique=True),
        Index("resource_chart", "type", "patient_id", "low", "pk", "high"),
        Index("resource_newest", "type", "low", "pk"),
    )


class SearchValue(Base):
    """A code, a reference or a word by which a resource is found.

    ``value`` and ``qualifier`` are: for a token its code and system; for a reference the target's id and type;
    for a string its folded form and the string as written.
    """

    __tablename__ = "search_value"
    type = Column(String(32), primary_key=True)
    param = Column(String(40), primary_key=True)
    value = Column(Text_C, primary_key=True)
    patient_id = Column(String(64), primary_key=True)
    low = Column(BigInteger, primary_key=True)
    pk = Column(Key, ForeignKey("resource.pk", ondelete="CASCADE"), primary_key=True)
    qualifier = Column(Text_C, primary_key=True)
    high = Column(BigInteger, primary_key=True)

    __table_args__ = (Index("search_value_resource", "pk", "param"), {"sqlite_with_rowid": False})


class SearchDate(Base):
    """An interval of a date parameter; the interval itself is ``start``–``end``."""

    __tablename__ = "search_date"
    pk = Column(Key, ForeignKey("resource.pk", ondelete="CASCADE"), primary_key=True)
    param = Column(String(40), primary_key=True)
    start = Column(BigInteger, primary_key=True)
    end = Column(BigInteger, primary_key=True)
    type = Column(String(32), nullable=False)
    patient_id = Column(String(64), nullable=False)

    __table_args__ = (
        Index("search_date_chart", "type", "param", "patient_id", "start", "pk"),
        {"sqlite_with_rowid": False},
    )


class ConditionalKey(Base):
    """The business identifier that a conditional create was made with: the same one cannot be used twice."""

    __tablename__ = "conditional_key"
    type = Column(String(32), primary_key=True)
    patient_id = Column(String(64), primary_key=True)
    system = Column(Text_C, primary_key=True)
    value = Column(Text_C, primary_key=True)
    pk = Column(Key, ForeignKey("resource.pk", ondelete="CASCADE"), nullable=False, index=True)
