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
@ValidationRule(
    value =
        "!has(self.superuserAccess) || !self.superuserAccess || !has(self.enabled) || self.enabled",
    fieldPath = ".superuserAccess",
    message =
        "superuserAccess true does not go with enabled false, with which PostgreSQL lets in its"
            + " superuser from beside it alone; allowed is enabled true, or superuserAccess false")
@ValidationRule(
    value = "!has(self.traces) || !has(self.enabled) || self.enabled",
    fieldPath = ".traces",
    message =
        "traces are the proxy's and do not go with enabled false, with which clients reach"
            + " PostgreSQL directly; allowed is enabled true, or no traces")
public record ProxySpec(
    @JsonPropertyDescription(
            "Whether clients reach PostgreSQL through the proxy. Default true; false lets them"
                + " reach it directly.")
        @Nullable Boolean enabled,
    @JsonPropertyDescription("Resources of the container.")
        @Nullable ResourceRequirements resources,
    @JsonPropertyDescription(
            "Whether clients may log in as postgres, the superuser. Default false: it logs in from"
                + " inside the pod alone.")
        @Nullable Boolean superuserAccess,
    @JsonPropertyDescription(
            "TLS of clients. By default clients may encrypt, and the certificate is made and renewed"
                + " by the operator.")
        @Nullable TlsSpec tls,
    @JsonPropertyDescription(
            "Where spans go of the queries that clients trace. By default nowhere.")
        @Nullable TracesSpec traces) {}
