package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import org.jspecify.annotations.Nullable;

/** The proxy beside each PostgreSQL. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ProxySpec(
    @JsonPropertyDescription(
            "Whether clients reach PostgreSQL through the proxy. Default true; false lets them"
                + " reach it directly.")
        @Nullable Boolean enabled,
    @JsonPropertyDescription("Resources of the container.")
        @Nullable ResourceRequirements resources) {}
