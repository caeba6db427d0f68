#!/bin/bash
# The hooks as engine authors and their users meet them: the header in C and C++, the example with
# the installed library, and libraries that others load.
source tests/harness.bash

unset ASSAY_HOOKS_STREAM ASSAY_HOOKS_COUNTERS ASSAY_HOOKS_LIMIT

place=$work/place
make --no-print-directory -s BUILD="$BUILD" DESTDIR="$place" PREFIX=/usr install >"$work/log" 2>&1 ||
    not_ok install_succeeds "$(<"$work/log")"
flags=$(PKG_CONFIG_PATH=$place/usr/lib/pkgconfig pkg-config --cflags --libs assay-hooks)
if gcc -std=c99 -pedantic -Wall -Wextra -Werror -o "$work/engine" docs/examples/engine.c $flags 2>"$work/log"; then
    ok the_example_builds_with_the_installed_library
else
    not_ok the_example_builds_with_the_installed_library "$(<"$work/log")"
fi
cat >"$work/scope.cpp" <<'CPP'
#include <assay_hooks.h>
static uint32_t outer, inner;
static void fails() { assay_hooks_scope scope(inner); throw 1; }
int main() {
    outer = assay_hooks_kind(ASSAY_HOOKS_ANNOTATION, "outer", "scope");
    inner = assay_hooks_kind(ASSAY_HOOKS_OPERATOR, "inner", "scope");
    assay_hooks_scope scope(outer);
    try { fails(); } catch (int) { }
}
CPP
if ! command -v g++ >/dev/null; then
    skip an_exception_ends_its_operator "no g++"
elif ! g++ -std=c++98 -pedantic -Wall -Wextra -Werror -o "$work/scope" "$work/scope.cpp" $flags -Wl,-rpath,"$place/usr/lib" 2>"$work/log"; then
    not_ok an_exception_ends_its_operator "$(<"$work/log")"
elif ASSAY_HOOKS_STREAM=$work/scope.hooks "$work/scope" && ! "$assay" help import >/dev/null 2>&1; then
    skip an_exception_ends_its_operator "nothing imports it"
else
    run import "$work/scope.hooks" --json
    [ "$(json '$.events')/$(json '$.complete')" = 2/1 ] && ok an_exception_ends_its_operator || not_ok an_exception_ends_its_operator "$out" "$err"
fi

# The engine's three requests of two layers, as `assay import` counts them.
ASSAY_HOOKS_STREAM=$work/engine.hooks LD_LIBRARY_PATH=$place/usr/lib "$work/engine"
if "$assay" help import >/dev/null 2>&1; then
    run import "$work/engine.hooks" --json
    [ "$(json '$.events')" = 15 ] && ok the_example_is_imported || not_ok the_example_is_imported "$out" "$err"
fi
[ -s "$work/engine.hooks" ] && ok the_example_writes_a_stream || not_ok the_example_writes_a_stream
mkdir "$work/alone"
(cd "$work/alone" && LD_LIBRARY_PATH=$place/usr/lib "$work/engine") && [ -z "$(ls -A "$work/alone")" ] &&
    ok without_a_stream_the_example_runs_alone || not_ok without_a_stream_the_example_runs_alone

# A program nobody prepared: Debian's PyTorch runs its convolutions by oneDNN, which tells ITT.
cat >"$work/conv.py" <<'PYTHON'
import torch
layer = torch.nn.Conv2d(3, 16, 7, stride=2).eval()
with torch.no_grad():
    for _ in range(5):
        layer(torch.zeros(1, 3, 64, 64))
PYTHON
python=/usr/bin/python3
if ! $python -c 'import torch; exit(not torch.backends.mkldnn.is_available())' 2>/dev/null; then
    skip operators_of_an_unmodified_program "no PyTorch with oneDNN for $python"
else
    INTEL_LIBITTNOTIFY64=$place/usr/lib/assay/libassay-itt.so ASSAY_HOOKS_STREAM=$work/torch.hooks \
        $python "$work/conv.py" >"$work/log" 2>&1
    found=$(strings -a "$work/torch.hooks" 2>/dev/null | grep -cx convolution)
    [ "$found" -eq 1 ] && ok operators_of_an_unmodified_program ||
        not_ok operators_of_an_unmodified_program "$(<"$work/log")"
    if "$assay" help import >/dev/null 2>&1; then
        run import "$work/torch.hooks" --json
        [ "$(json '$.events')" -ge 5 ] && ok operators_of_an_unmodified_program_are_imported ||
            not_ok operators_of_an_unmodified_program_are_imported "$out" "$err"
    fi
fi

# The static collector asks its command for a stream and sums it up.
if [ -x "$BUILD/assay-collect" ]; then
    LD_LIBRARY_PATH=$place/usr/lib "$BUILD/assay-collect" --json --output "$work/out" "$work/engine"
    [ "$(json '$.hooks.operators')/$(json '$.hooks.kinds[0].name')/$(json '$.hooks.kinds[0].count')" = 15/Dense/6 ] &&
        ok the_collector_sums_operators_up || not_ok the_collector_sums_operators_up "$(<"$work/out")"
    ASSAY_HOOKS_STREAM=$work/mine.hooks LD_LIBRARY_PATH=$place/usr/lib \
        "$BUILD/assay-collect" --json --output "$work/out" "$work/engine"
    [ -s "$work/mine.hooks" ] && [ -z "$(json '$.hooks')" ] && ok a_stream_of_the_users_own_is_left_to_him ||
        not_ok a_stream_of_the_users_own_is_left_to_him "$(<"$work/out")"
fi
