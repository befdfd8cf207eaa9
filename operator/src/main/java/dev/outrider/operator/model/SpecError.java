package dev.outrider.operator.model;

/**
 * Something in a spec that cannot be.
 *
 * @param field its path, such as {@code spec.postgres.parameters.work_mem}
 * @param problem the value and what is allowed
 */
public record SpecError(String field, String problem) {
  @Override
  public String toString() {
    return field + ": " + problem;
  }
}
