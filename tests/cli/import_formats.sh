#!/bin/bash
# assay import: traces, texts and tables of other tools, each known by what it holds.
source tests/harness.bash
is() { [ "$(json "$2")" = "$3" ] && ok "$1" || not_ok "$1" "$(json "$2") instead of $3"; }

run import tests/data/perf_script_stacks.txt --json
is perf_script_is_known '$.format' perf-script
is samples_are_counted '$.events' 12
is a_clock_s_samples_add_up_to_their_periods '$.tracks[0].busy_ns' 60301500
printf 'noise\nonednn_verbose,exec,cpu,reorder,jit:uni,undef,src_f32::a dst_f32::b,,,1x2,0.5\n' >"$work/text"
run import "$work/text" --json
is verbose_text_is_known '$.format' onednn
printf 'Concurrency,Inferences/Second,Server Queue,p50 latency\n1,2,3,4\n' >"$work/loads"
run import "$work/loads" --json
is loads_are_known '$.format' perf-analyzer
expect what_was_never_tried_says_so 0 err "never tried on a real file"

cp tests/data/tables/neusight/ops_test/bmm.csv "$work/table"
gzip "$work/table"
run import "$work/table.gz" --json
is a_packed_table_is_known '$.format' table
is a_mapping_was_chosen_by_the_header '$.facts.mapping' neusight-matmul
is all_lines_are_rows '$.facts."table rows"' 3
id=$(json '$.recording')
run db sql "SELECT shapes, total_ns > 0 FROM recording_nodes WHERE recording_id = $id AND node = 0"
expect rows_are_stored_with_shapes 0 out "x"
printf 'OPName,Latency,Device,Kernel Name,B,M,N,K\nbmm,,T4,k,1,1,1,1\n' >"$work/holes"
run import "$work/holes"
expect a_cell_without_a_number_is_told 0 err "could not be used; the first in line 2: time cannot be read"
printf 'a,b\n1,2\n' >"$work/unknown"
run import "$work/unknown"
expect a_table_of_nobody_is_refused 3 err "knows a table with the columns a, b"
printf 'name: m\ncolumns: [a]\nrows: [{name: "{a}", time: {value: "{b}", unit: us}}]\n' >"$work/m.yaml"
run import "$work/unknown" --mapping "$work/m.yaml" --json
is a_mapping_of_the_user_reads_it '$.facts.mapping' m

sqlite3 "$work/trace" "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT);
    CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER,
        correlationId INTEGER, globalPid INTEGER, demangledName INTEGER);
    INSERT INTO StringIds VALUES (1, 'gemm'); INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1000, 3000, 0, 7, 9, 0, 1);"
run import "$work/trace" --json
is an_export_of_nsight_is_known '$.format' nsight
is its_kernels_are_kernels '$.kernel_dur_sum_us' 2
sqlite3 "$work/other" "CREATE TABLE t (a)"
run import "$work/other"
expect another_database_is_refused 3 err "without the tables of Nsight Systems"

if command -v flatc >/dev/null; then
    printf 'file_identifier "ED00"; table P { name: string; a: int; b: int; c: int; d: string; e: [ubyte]; start: ulong; end: ulong; }
        table E { profile: P; } table R { name: string; i: int; l: [E]; events: [E]; }
        table D { version: uint; runs: [R]; } root_type D;' >"$work/d.fbs"
    echo '{"runs": [{"events": [{"profile": {"name": "OPERATOR_CALL", "start": 5, "end": 9}}]}]}' >"$work/d.json"
    (cd "$work" && flatc -b d.fbs d.json && size=$(stat -c %s d.bin) &&
        printf "\\x$(printf %02x $((size & 255)))\\x$(printf %02x $((size >> 8)))\\0\\0" | cat - d.bin >dump)
    run import "$work/dump" --json
    is a_dump_of_executorch_is_known '$.format' etdump
    is its_events_are_counted '$.events' 1
else
    skip a_dump_of_executorch_is_known "no flatc"
fi
run list imports
expect formats_are_listed 0 out "nsight"
