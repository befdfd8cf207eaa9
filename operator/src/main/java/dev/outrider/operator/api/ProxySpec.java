package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import org.jspecify.annotations.Nullable;

/** The proxy beside each PostgreSQL. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!has(self.tls) || !has(self.enabled) || self.enabled",
    fieldPath = ".tls",
    message =
        "tls is the proxy's and does not go with enabled false, with which clients reach PostgreSQL"
            + " directly; allowed is enabled true, or no tls")
public record ProxySpec(
    @JsonPropertyDescription(
            "Whether clients reach PostgreSQL through the proxy. Default true; false lets them"
                + " reach it directly.")
        @Nullable Boolean enabled,
    @JsonPropertyDescription("Resources of the container.")
        @Nullable ResourceRequirements resources,
    @JsonPropertyDescription(
            "TLS of clients. By default clients may encrypt, and the certificate is made and renewed"
                + " by the operator.")
        @Nullable TlsSpec tls) {}
