package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a user may set on one of the Services. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ServiceSpec(
    @JsonPropertyDescription("Default ClusterIP.") @Nullable ServiceType type,
    @JsonPropertyDescription("Annotations, for load balancers and DNS.")
        @Nullable Map<String, String> annotations,
    @JsonPropertyDescription("Labels beside Outrider's own.") @Nullable Map<String, String> labels,
    @JsonPropertyDescription(
            "With type LoadBalancer: the client networks let in, in CIDR notation.")
        @Nullable List<String> loadBalancerSourceRanges) {

  /** The kinds of Service that Kubernetes has for traffic into pods. */
  public enum ServiceType {
    ClusterIP,
    NodePort,
    LoadBalancer
  }
}
