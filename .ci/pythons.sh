# Where interpreters of other versions may be: on the path, or with pyenv or uv.

python_of() { # VERSION: prints the path of an interpreter that works, or fails
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python \
        "$(command -v uv >/dev/null && uv python find "$1" 2>/dev/null || true)"; do
        if [[ -n $candidate ]] && "$candidate" -c \
            "import ensurepip, sys; assert sys.version.startswith('$1.')" 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys._base_executable)'
            return
        fi
    done
    return 1
}
