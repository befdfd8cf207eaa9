package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.LocalObjectReference;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraint;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What every pod of a cluster gets, passed through as it stands. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PodSpec(
    @JsonPropertyDescription("Labels beside Outrider's own.") @Nullable Map<String, String> labels,
    @JsonPropertyDescription("Annotations beside Outrider's own.")
        @Nullable Map<String, String> annotations,
    @Nullable Map<String, String> nodeSelector,
    @Nullable Affinity affinity,
    @Nullable List<Toleration> tolerations,
    @JsonPropertyDescription(
            "Default: spread over nodes as evenly as can be had. A constraint without a"
                + " labelSelector gets the one of this cluster.")
        @Nullable List<TopologySpreadConstraint> topologySpreadConstraints,
    @Nullable String priorityClassName,
    @Nullable List<LocalObjectReference> imagePullSecrets) {}
