package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a user may set on the Service of the replicas: as on the others, and how old data may be.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ReadServiceSpec(
    @JsonPropertyDescription("Default ClusterIP.") ServiceSpec.@Nullable ServiceType type,
    @JsonPropertyDescription("Annotations, for load balancers and DNS.")
        @Nullable Map<String, String> annotations,
    @JsonPropertyDescription("Labels beside Outrider's own.") @Nullable Map<String, String> labels,
    @JsonPropertyDescription(
            "With type LoadBalancer: the client networks let in, in CIDR notation.")
        @Nullable List<String> loadBalancerSourceRanges,
    @JsonPropertyDescription(
            "How much WAL a replica may have left to replay and still get clients, a number with a"
                + " unit: 16Mi. A replica that is further behind is not ready until it has caught"
                + " up. Default: any amount.")
        @Size(min = 1, max = 32)
        @ValidationRule(
            value =
                "self.matches('^[0-9]+([.][0-9]+)?(Ki|Mi|Gi|k|M|G)$') &&"
                    + " quantity(self).isGreaterThan(quantity('0'))",
            messageExpression =
                "'\"' + self + '\" is not an amount of WAL; allowed is a number above 0 with a unit"
                    + " of Ki, Mi, Gi, k, M or G, such as 16Mi'",
            message = "allowed is a number above 0 with a unit of Ki, Mi, Gi, k, M or G")
        @Nullable String maximumLag) {

  /** The part that every Service has. */
  public ServiceSpec service() {
    return new ServiceSpec(type, annotations, labels, loadBalancerSourceRanges);
  }
}
