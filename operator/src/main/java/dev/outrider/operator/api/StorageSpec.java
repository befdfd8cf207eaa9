package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** The volume of each instance. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value =
        "(has(self.storageClass) ? self.storageClass : '') == (has(oldSelf.storageClass) ?"
            + " oldSelf.storageClass : '')",
    fieldPath = ".storageClass",
    message = "storageClass cannot be changed: the volumes exist already")
public record StorageSpec(
    @JsonPropertyDescription(
            "Size of the volume of each instance, a number with a unit: 10Gi, 500Gi, 1Ti. Can grow"
                + " (if the storage class lets it), never shrink.")
        @Required
        @Size(min = 1, max = 32)
        @ValidationRule(
            value = "self.matches('^[0-9]+([.][0-9]+)?(Mi|Gi|Ti|Pi|M|G|T|P)$')",
            messageExpression =
                "'\"' + self + '\" is not a size; allowed is a number with a unit of Mi, Gi, Ti, Pi,"
                    + " M, G, T or P, such as 10Gi'")
        @ValidationRule(
            value =
                "!self.matches('^[0-9]+([.][0-9]+)?(Mi|Gi|Ti|Pi|M|G|T|P)$') ||"
                    + " quantity(self).compareTo(quantity('512Mi')) >= 0",
            messageExpression =
                "self + ' is too small for a PostgreSQL with its WAL; allowed is 512Mi or more'")
        @ValidationRule(
            value =
                "!self.matches('^[0-9]+([.][0-9]+)?(Mi|Gi|Ti|Pi|M|G|T|P)$') ||"
                    + " quantity(self).compareTo(quantity(oldSelf)) >= 0",
            messageExpression =
                "'a volume cannot be made smaller: ' + self + ' is less than ' + oldSelf + ';"
                    + " allowed is ' + oldSelf + ' or more'")
        String size,
    @JsonPropertyDescription("The StorageClass; the cluster's default when not set.")
        @Nullable String storageClass) {}
