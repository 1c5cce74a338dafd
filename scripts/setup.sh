#!/usr/bin/env bash
# Makes .venv hold exactly what uv.lock says. `setup.sh run` for running, `setup.sh test` for everything.
# Does nothing where that is done already, so that it works without a network afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

want=$1
case $want in
  run) groups=(--group portal --group actions --group bot --group run) ;;
  test) groups=(--all-groups) ;;
  *) echo "setup.sh: run or test" >&2; exit 2 ;;
esac

fingerprint=$(cat pyproject.toml uv.lock scripts/setup.sh | cksum)
for done in test "$want"; do
  if [ "$(cat ".venv/.chartline-$done" 2>/dev/null)" = "$fingerprint" ] && .venv/bin/python -c '' 2>/dev/null; then exit 0; fi
done

works() { "$@" >/dev/null 2>&1; }
is_310() { works "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 10))'; }

find_python() {
  local candidate
  for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10*/bin/python3.10 "$(command -v python3.10)" "$(command -v python3)"; do
    if [ -n "$candidate" ] && is_310 "$candidate"; then echo "$candidate"; return; fi
  done
}

find_uv() {
  local candidate
  for candidate in uv .tools/bin/uv; do
    if works "$candidate" --version; then echo "$candidate"; return; fi
  done
  for candidate in "$python" python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
    if [ -n "$candidate" ] && works "$candidate" -c 'import venv, ensurepip'; then
      "$candidate" -m venv .tools && .tools/bin/python -m pip install --quiet --disable-pip-version-check uv >&2 && break
    fi
  done
  if works .tools/bin/uv --version; then echo .tools/bin/uv; fi
}

python=$(find_python)
uv=$(find_uv)
if [ -z "$uv" ]; then
  echo "Chartline needs Python 3.10, or uv, which can fetch it. Install one: https://docs.astral.sh/uv/ or 'pyenv install 3.10'." >&2
  exit 1
fi
echo "• Python: ${python:-3.10 by uv}"
echo "• Packages: installing (about 3 GB; only this once)"
if ! "$uv" sync --frozen --quiet --compile-bytecode --python "${python:-3.10}" "${groups[@]}"; then
  echo "The packages could not be installed: see the message above. With a network and 4 GB of free disk, run it again." >&2
  exit 1
fi
echo "$fingerprint" > ".venv/.chartline-$want"
echo "• Packages: done"
