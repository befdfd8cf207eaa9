package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** A Secret in the namespace of the cluster. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record SecretReference(
    @JsonPropertyDescription("Its name.")
        @Required
        @Size(min = 1, max = 253)
        @ValidationRule(
            value = "self.matches('" + SecretReference.OBJECT_NAME + "')",
            messageExpression =
                "'\"' + self + '\" cannot be the name of a Secret; "
                    + SecretReference.ALLOWED
                    + "'",
            message = "cannot be the name of a Secret; " + SecretReference.ALLOWED)
        String name) {

  /** As Kubernetes has it for most of its objects: a DNS subdomain (RFC 1123). */
  static final String OBJECT_NAME =
      "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

  static final String ALLOWED =
      "allowed are a-z, 0-9 and -, with dots between, beginning and ending with a letter or digit";
}
