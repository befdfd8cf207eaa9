package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import org.jspecify.annotations.Nullable;

/** How the data of a new cluster is made. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record BootstrapSpec(
    @JsonPropertyDescription("A new, empty database.") @Nullable InitdbSpec initdb) {}
