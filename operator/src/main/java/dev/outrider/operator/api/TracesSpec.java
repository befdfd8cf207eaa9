package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** Where the proxy sends the spans of queries that belong to a trace. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record TracesSpec(
    @JsonPropertyDescription(
            "The collector that takes spans by OTLP over HTTP, such as http://collector:4318.")
        @Required
        @Size(max = 512)
        @ValidationRule(
            value =
                "isURL(self) && url(self).getScheme() in ['http', 'https'] &&"
                    + " url(self).getHostname() != ''",
            messageExpression =
                "'\"' + self + '\" is not the address of a collector; allowed is http:// or"
                    + " https://HOST[:PORT][/PATH], such as http://collector:4318'",
            message =
                "allowed is http:// or https://HOST[:PORT][/PATH], such as http://collector:4318")
        String endpoint,
    @JsonPropertyDescription("service.name of the spans. Default outrider-proxy.")
        @Size(min = 1, max = 128)
        @Nullable String serviceName) {}
