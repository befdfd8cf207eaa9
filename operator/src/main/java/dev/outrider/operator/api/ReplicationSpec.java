package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** When a commit is acknowledged: at once, or when replicas have it too. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!has(self.syncInstances) || (has(self.mode) && self.mode != 'async')",
    fieldPath = ".syncInstances",
    messageExpression =
        "'syncInstances ' + "
            + ReplicationSpec.NUMBERS
            + "[self.syncInstances] + ' does not go with mode async, which waits"
            + " for no replica; leave it out, or set mode to sync or strict-sync'",
    message = "syncInstances goes with mode sync or strict-sync")
public record ReplicationSpec(
    @JsonPropertyDescription(
            "async (the default): a commit waits for no replica. sync: it waits for syncInstances"
                + " replicas, for fewer while there are not as many. strict-sync: the same, but"
                + " never for none, so writes wait while no replica is there.")
        @Nullable Mode mode,
    @JsonPropertyDescription(
            "How many replicas confirm each commit, with sync or strict-sync: 1 or more, less than"
                + " instances. Default 1.")
        @Min(1)
        @Max(31)
        @Nullable Integer syncInstances) {

  /**
   * How a rule writes a number up to the most instances: CEL's {@code string(int)} counts as one of
   * any length, which is more than Kubernetes lets a rule cost.
   */
  static final String NUMBERS =
      "['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16',"
          + " '17', '18', '19', '20', '21', '22', '23', '24', '25', '26', '27', '28', '29', '30',"
          + " '31', '32']";

  /** As Patroni's {@code synchronous_mode} and {@code synchronous_mode_strict}. */
  public enum Mode {
    @JsonProperty("async")
    ASYNC("async"),
    @JsonProperty("sync")
    SYNC("sync"),
    @JsonProperty("strict-sync")
    STRICT_SYNC("strict-sync");

    private final String word;

    Mode(String word) {
      this.word = word;
    }

    /** As the spec has it. */
    @Override
    public String toString() {
      return word;
    }
  }
}
