#include "ingest/mllp/stream.h"

namespace vitalog::ingest::mllp {
namespace {

using Context = asio::ssl::context;

tl::unexpected<Error> bad_file(const std::string& name, const std::string& path,
                               const boost::system::error_code& error) {
    return fail(Errc::Configuration, name + " = '" + path + "' can't be used: " + error.message() +
                                         "; name a PEM file that this user may read");
}

Result<void> use_files(Context& context, const TlsFiles& files, const TlsFiles& names) {
    boost::system::error_code error;
    if (!files.certificate.empty()) {
        context.use_certificate_chain_file(files.certificate, error);
        if (error) return bad_file(names.certificate, files.certificate, error);
        context.use_private_key_file(files.key, Context::pem, error);
        if (error) return bad_file(names.key, files.key, error);
        if (SSL_CTX_check_private_key(context.native_handle()) != 1)
            return fail(Errc::Configuration, names.key + " = '" + files.key +
                                                 "' is not the key of " + names.certificate);
    }
    if (files.authorities.empty()) return {};
    context.load_verify_file(files.authorities, error);
    if (error) return bad_file(names.authorities, files.authorities, error);
    return {};
}

}  // namespace

Result<std::unique_ptr<Context>> make_tls(Context::method method, const TlsFiles& files,
                                          const TlsFiles& names) {
    auto context = std::make_unique<Context>(method);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    VITALOG_CHECK(use_files(*context, files, names));
    boost::system::error_code error;
    if (method == Context::tls_server) {
        // A resumed session would skip the check of the client's certificate.
        SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
        context->set_options(Context::default_workarounds | SSL_OP_NO_TICKET |
                                 SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE,
                             error);
        if (!files.authorities.empty()) {
            context->set_verify_mode(
                asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, error);
            if (STACK_OF(X509_NAME)* names_sent =
                    SSL_load_client_CA_file(files.authorities.c_str()))
                SSL_CTX_set_client_CA_list(context->native_handle(), names_sent);
        }
        return context;
    }
    if (files.authorities.empty()) context->set_default_verify_paths(error);
    context->set_verify_mode(asio::ssl::verify_peer, error);
    return context;
}

std::string describe_tls(const boost::system::error_code& error) {
    return error == asio::ssl::error::stream_truncated ? "the other side broke off"
                                                       : error.message();
}

}  // namespace vitalog::ingest::mllp
