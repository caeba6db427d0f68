#include "server/grpc/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct grpc_tls {
    SSL_CTX *context;
};

struct grpc_tls_session {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
};

/* ---- certificate and key --------------------------------------------------------------------- */

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                     const unsigned char *in, unsigned in_length, void *user) {
    static const unsigned char h2[] = {2, 'h', '2'};
    unsigned char *chosen = NULL;
    (void)ssl, (void)user;
    if (SSL_select_next_proto(&chosen, out_length, h2, sizeof h2, in, in_length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int fail(struct err *err, const char *what, const char *path) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return err_set(err, ERR_INPUT, "%s: not a usable %s in PEM: %s", path, what,
                   reason ? reason : "unknown reason");
}

static int load_client_ca(SSL_CTX *context, const char *path, struct err *err) {
    if (!path)
        return 0;
    if (SSL_CTX_load_verify_file(context, path) != 1)
        return fail(err, "certificate", path);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return 0;
}

static int load(SSL_CTX *context, const struct grpc_tls_files *files, struct err *err) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_h2, NULL);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
        return fail(err, "certificate", files->certificate);
    if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return fail(err, "key", files->key);
    return load_client_ca(context, files->client_ca, err);
}

int grpc_tls_open(const struct grpc_tls_files *files, struct grpc_tls **opened, struct err *err) {
    struct grpc_tls *tls = calloc(1, sizeof *tls);
    if (tls)
        tls->context = SSL_CTX_new(TLS_server_method());
    if (!tls || !tls->context)
        err_set(err, ERR_ENVIRONMENT, "no memory for TLS");
    else if (load(tls->context, files, err) == 0) {
        *opened = tls;
        return 0;
    }
    grpc_tls_close(tls);
    return -(int)err->code;
}

void grpc_tls_close(struct grpc_tls *tls) {
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

/* ---- one connection -------------------------------------------------------------------------- */

struct grpc_tls_session *grpc_tls_session_open(const struct grpc_tls *tls) {
    struct grpc_tls_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->ssl = SSL_new(tls->context);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    if (!session->ssl || !session->in || !session->out) {
        SSL_free(session->ssl);
        BIO_free(session->in);
        BIO_free(session->out);
        free(session);
        return NULL;
    }
    SSL_set_bio(session->ssl, session->in, session->out);
    SSL_set_accept_state(session->ssl);
    return session;
}

void grpc_tls_session_close(struct grpc_tls_session *session) {
    SSL_free(session->ssl);
    free(session);
}

int grpc_tls_feed(struct grpc_tls_session *session, const void *bytes, size_t length) {
    return BIO_write(session->in, bytes, (int)length) == (int)length ? 0 : -1;
}

/* 0 when the other side has to go on first. */
static int judge(const struct grpc_tls_session *session, int result) {
    int error = SSL_get_error(session->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

int grpc_tls_read(struct grpc_tls_session *session, void *buffer, size_t size) {
    ERR_clear_error();
    int result = SSL_read(session->ssl, buffer, (int)size);
    return result > 0 ? result : judge(session, result);
}

int grpc_tls_write(struct grpc_tls_session *session, const void *bytes, size_t length) {
    if (!SSL_is_init_finished(session->ssl))
        return 0;
    ERR_clear_error();
    int result = SSL_write(session->ssl, bytes, (int)length);
    return result > 0 ? result : judge(session, result);
}

size_t grpc_tls_output(struct grpc_tls_session *session, const void **bytes) {
    char *start = NULL;
    long length = BIO_get_mem_data(session->out, &start);
    *bytes = start;
    return length > 0 ? (size_t)length : 0;
}

void grpc_tls_sent(struct grpc_tls_session *session, size_t length) {
    char spent[1024];
    while (length) {
        int step =
            BIO_read(session->out, spent, (int)(length < sizeof spent ? length : sizeof spent));
        if (step <= 0)
            return;
        length -= (size_t)step;
    }
}
