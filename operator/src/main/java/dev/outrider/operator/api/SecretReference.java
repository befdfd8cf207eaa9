package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** A Secret in the namespace of the cluster. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record SecretReference(
    @JsonPropertyDescription("Its name.") @Required @Size(min = 1, max = 253) String name) {}
