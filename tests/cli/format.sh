#!/bin/bash
# Every C file is in the house's format, as clang-format 14 of Debian 12 sees it.
name=sources_are_formatted
if ! command -v clang-format >/dev/null; then
    echo "skip $name: clang-format is not installed"
elif ! clang-format --version | grep -q 'version 14\.'; then
    echo "skip $name: $(clang-format --version | grep -o 'version [0-9.]*') formats otherwise than 14"
else
    wrong=$(find . -name '*.[ch]' -not -path './build/*' -not -path './node_modules/*' -print0 |
        xargs -0 -n 40 -P "$(nproc)" clang-format --dry-run -Werror 2>&1 |
        sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: error.*/\1/p' | sort | uniq -c)
    if [ -z "$wrong" ]; then
        echo "ok $name"
    else
        echo "not ok $name"
        sed 's/^/  # lines of /' <<<"$wrong"
    fi
fi
