package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** TLS between clients and the proxy. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!has(self.issuer) || !has(self.certificateSecret)",
    fieldPath = ".issuer",
    messageExpression =
        "'issuer ' + self.issuer.name + ' does not go with certificateSecret ' +"
            + " self.certificateSecret.name + '; allowed is one of them'",
    message = "issuer does not go with certificateSecret; allowed is one of them")
@ValidationRule(
    value = "!has(self.dnsNames) || !has(self.certificateSecret)",
    fieldPath = ".dnsNames",
    messageExpression =
        "'dnsNames does not go with certificateSecret ' + self.certificateSecret.name + ', whose"
            + " certificate has its own names; allowed is one of them'",
    message = "dnsNames does not go with certificateSecret; allowed is one of them")
@ValidationRule(
    value =
        "!has(self.clientCertificates) || self.clientCertificates == 'none' || has(self.clientCa)",
    fieldPath = ".clientCertificates",
    messageExpression =
        "'clientCertificates ' + self.clientCertificates + ' needs clientCa, the Secret with the"
            + " authority of the clients; allowed without it is none'",
    message = "clientCertificates needs clientCa; allowed without it is none")
@ValidationRule(
    value =
        "!has(self.clientCertificates) || self.clientCertificates == 'none' || (has(self.mode) &&"
            + " self.mode == 'require')",
    fieldPath = ".clientCertificates",
    messageExpression =
        "'clientCertificates ' + self.clientCertificates + ' does not go with mode ' +"
            + " (has(self.mode) ? self.mode : 'allow') + ', in which a session without TLS shows no"
            + " certificate; allowed is mode require, or clientCertificates none'",
    message = "clientCertificates needs mode require, or is none")
public record TlsSpec(
    @JsonPropertyDescription(
            "require: sessions without TLS are refused. allow (the default): as the client wants"
                + " it. disable: requests for TLS are declined.")
        @Nullable Mode mode,
    @JsonPropertyDescription(
            "A Secret with a certificate of your own: tls.crt, tls.key and, so that NAME-app has"
                + " it, ca.crt. Without it and without issuer the certificate is of the cluster's"
                + " own authority.")
        @Nullable SecretReference certificateSecret,
    @JsonPropertyDescription("Who issues the certificate, by cert-manager.")
        @Nullable IssuerReference issuer,
    @JsonPropertyDescription("A Secret whose ca.crt is the authority of clients' certificates.")
        @Nullable SecretReference clientCa,
    @JsonPropertyDescription(
            "What clients must show beside their password. none (the default): nothing. verify-ca:"
                + " a certificate of clientCa. verify-full: one that also names the user of the"
                + " session.")
        @Nullable ClientCertificates clientCertificates,
    @JsonPropertyDescription(
            "More names that the certificate is for, beside those of the Services and pods. With"
                + " issuer: the only names, since one that the world trusts issues nothing for"
                + " names that only the cluster knows.")
        @Size(max = 32)
        @ValidationRule(
            value = "self.all(name, name.matches('" + TlsSpec.DNS_NAME + "'))",
            messageExpression =
                "'\"' + self.filter(name, !name.matches('"
                    + TlsSpec.DNS_NAME
                    + "'))[0] + '\" is not a DNS name; allowed are a-z, 0-9 and -, with dots"
                    + " between, and *. at the beginning'",
            message = "allowed are DNS names of a-z, 0-9 and -, with dots between")
        @Nullable List<@Size(min = 1, max = 253) String> dnsNames) {

  static final String DNS_NAME =
      "^([*][.])?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$";

  /** Whether clients encrypt. */
  public enum Mode {
    @JsonProperty("require")
    REQUIRE,
    @JsonProperty("allow")
    ALLOW,
    @JsonProperty("disable")
    DISABLE
  }

  /** What clients must show. {@code none}, since {@code off} is a boolean in YAML. */
  public enum ClientCertificates {
    @JsonProperty("none")
    NONE,
    @JsonProperty("verify-ca")
    VERIFY_CA,
    @JsonProperty("verify-full")
    VERIFY_FULL
  }
}
