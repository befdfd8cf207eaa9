package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import org.jspecify.annotations.Nullable;

/** The three Services of a cluster. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ServicesSpec(
    @JsonPropertyDescription("NAME-rw: the primary.") @Nullable ServiceSpec rw,
    @JsonPropertyDescription("NAME-ro: the replicas.") @Nullable ReadServiceSpec ro,
    @JsonPropertyDescription("NAME-r: any instance.") @Nullable ServiceSpec r) {}
