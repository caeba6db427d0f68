#!/bin/bash
# make install into a folder of its own: what is installed works from anywhere, uninstall removes it.
source tests/harness.bash

place=$work/place
make --no-print-directory -s BUILD="$BUILD" DESTDIR="$place" PREFIX=/usr install >"$work/log" 2>&1 &&
    ok install_succeeds || not_ok install_succeeds "$(<"$work/log")"
for file in bin/assay bin/assay-collect share/assay/groups/default.group lib/assay/assay-worker lib/assay/assay-llama-worker lib/assay/libassay-ort-hook.so share/man/man1/assay.1 \
    share/bash-completion/completions/assay share/zsh/site-functions/_assay \
    share/fish/vendor_completions.d/assay.fish share/assay/mappings/neusight_matmul.yaml; do
    [ -s "$place/usr/$file" ] && ok "installs_$(basename "$file")" || not_ok "installs_$(basename "$file")"
done
for file in lib/libassay-hooks.so include/assay_hooks.h lib/pkgconfig/assay-hooks.pc lib/assay/libassay-itt.so \
    lib/assay/libassay-nvtx.so; do
    [ -s "$place/usr/$file" ] && ok "installs_$(basename "$file")" || not_ok "installs_$(basename "$file")"
done
installed=$(cd / && "$place/usr/bin/assay" list collectors --format csv | grep '^onnxruntime,')
if [ -e "$place/usr/lib/assay/libonnxruntime.so.1" ]; then
    [[ $installed == onnxruntime,true,* ]] && ok the_installed_program_finds_its_parts || not_ok the_installed_program_finds_its_parts "$installed"
else
    skip the_installed_program_finds_its_parts "no ONNX Runtime in node_modules"
fi
groups=$(cd / && "$place/usr/bin/assay" list groups --format csv | grep -c '^[a-z]*,\(true\|false\),')
[ "$groups" -ge 8 ] && ok the_installed_program_finds_its_groups || not_ok the_installed_program_finds_its_groups "$groups"
installed=$(cd / && "$place/usr/bin/assay" list collectors --format csv | grep '^llamacpp,')
if [ -d "$place/usr/lib/assay/llama.cpp" ]; then
    [[ $installed == llamacpp,true,* ]] && ok the_installed_program_finds_llama_cpp || not_ok the_installed_program_finds_llama_cpp "$installed"
else
    skip the_installed_program_finds_llama_cpp "no llama.cpp in node_modules"
fi
make --no-print-directory -s BUILD="$BUILD" DESTDIR="$place" PREFIX=/usr uninstall >"$work/log" 2>&1
left=$(find "$place" -type f)
[ -z "$left" ] && ok uninstall_leaves_no_file || not_ok uninstall_leaves_no_file "$left"
