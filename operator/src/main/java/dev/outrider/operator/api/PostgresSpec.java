package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The PostgreSQL server of each instance. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PostgresSpec(
    @JsonPropertyDescription("The major version: 18 (the default) or 17.") @Min(17) @Max(18)
        @Nullable Integer version,
    @JsonPropertyDescription(
            "PostgreSQL parameters by name. They are checked before anything is changed, reloaded"
                + " without a restart where PostgreSQL can, and shown as pending in the status where"
                + " it cannot.")
        @Size(max = 400)
        @Nullable Map<String, IntOrString> parameters,
    @JsonPropertyDescription(
            "Resources of the container; the tuned PostgreSQL parameters follow from them.")
        @Nullable ResourceRequirements resources) {}
