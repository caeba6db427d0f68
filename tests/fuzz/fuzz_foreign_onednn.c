/* Any bytes as the verbose text of oneDNN: see foreign_fuzz.h. */
#include "tests/fuzz/foreign_fuzz.h"

#include "collectors/foreign/onednn.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    static const char *const seeds[] = {
        "onednn_verbose,info,oneDNN v2.6.3 (commit N/A)\n"
        "onednn_verbose,1795448082124.138916,exec,cpu,convolution,jit:avx512_core,forward_training,"
        "src_f32::blocked:abcd:f0 wei_f32::blocked:Acdb16a:f0 dst_f32::blocked:aBcd16b:f0,attr ,"
        "alg:convolution_direct,mb1_g2ic4oc64_ih224oh112kh7sh2dh0ph3_iw224ow112kw7sw2dw0pw3,2.3\n",
        "onednn_verbose,v1,primitive,exec,gpu:0,matmul,jit,undef,src:f16::blocked:ab::f0 "
        "wei:s8::blocked:ba::f0 dst:f16::blocked:ab::f0,,,4x3:3x2,0.7\n"
        "onednn_verbose,graph,exec,cpu,1,conv,A;B,data:NCX,in0_f32:0,fpm,dnnl_backend,5.4\n"
        "onednn_verbose,primitive,create:cache_miss,cpu,sum,a,b,c,d,e,f,1\n",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        char name[16];
        snprintf(name, sizeof name, "seed%zu", i);
        fuzz_seed(name, seeds[i], strlen(seeds[i]));
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file file;
    struct foreign_request request = {.path = file.path};
    fuzz_file_fill(&file, data, size);
    fuzz_format(&foreign_onednn, &request);
    return 0;
}
