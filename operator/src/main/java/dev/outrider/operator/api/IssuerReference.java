package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** Who issues certificates for cert-manager, as its {@code issuerRef}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record IssuerReference(
    @JsonPropertyDescription("Its name.")
        @Required
        @Size(min = 1, max = 253)
        @ValidationRule(
            value = "self.matches('" + SecretReference.OBJECT_NAME + "')",
            messageExpression =
                "'\"' + self + '\" cannot be the name of an issuer; "
                    + SecretReference.ALLOWED
                    + "'",
            message = "cannot be the name of an issuer; " + SecretReference.ALLOWED)
        String name,
    @JsonPropertyDescription(
            "Issuer (the default, in the namespace of the cluster), ClusterIssuer, or the kind of"
                + " another group.")
        @Size(min = 1, max = 63)
        @Nullable String kind,
    @JsonPropertyDescription("Default cert-manager.io.") @Size(min = 1, max = 253)
        @Nullable String group) {}
