package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** How far the operator goes to bring an instance back. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record RecoverySpec(
    @JsonPropertyDescription(
            "How long an instance whose volume is on a node that is lost waits for that node; then"
                + " it gets a new, empty volume elsewhere and copies the primary, and the old volume"
                + " is given up. A whole number and a unit (s, m, h), 1m or more, or never. Default"
                + " 10m.")
        @Size(min = 1, max = 16)
        @ValidationRule(
            value = "self == 'never' || self.matches('^[0-9]{1,6}(s|m|h)$')",
            messageExpression =
                "'\"' + self + '\" is not a time to wait; allowed is a whole number and a unit (s,"
                    + " m, h), for example 10m, or never'")
        @ValidationRule(
            value = "!self.matches('^[0-9]{1,6}(s|m|h)$') || duration(self) >= duration('1m')",
            messageExpression =
                "self + ' is too short, since a node that restarts is away for as long; allowed is"
                    + " 1m or more, or never'")
        @Nullable String newVolumeAfter) {}
