package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import org.jspecify.annotations.Nullable;

/** What became of the last switchover that was asked for by annotation. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record SwitchoverStatus(
    @JsonPropertyDescription("The value of the annotation; it is acted on once.") String request,
    @JsonPropertyDescription("The instance that shall become primary, or any.")
        @Nullable String target,
    @JsonPropertyDescription("The primary that hands over, once Patroni has been asked.")
        @Nullable String from,
    Phase phase,
    @JsonPropertyDescription("What happened or what is waited for, in words.")
        @Nullable String reason,
    @JsonPropertyDescription("RFC 3339.") String startedAt,
    @JsonPropertyDescription("RFC 3339.") @Nullable String finishedAt,
    @JsonPropertyDescription("A request that came while this one was under way.")
        @Nullable RefusedRequest refused) {

  /** Where a switchover is. */
  public enum Phase {
    /** Under way. */
    Requested,
    /** Another instance is primary, as was asked for. */
    Completed,
    /** Nothing was changed. */
    Refused,
    /** Patroni was asked and it came to nothing, or to something else. */
    Failed
  }

  /** A request that nothing was done about. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record RefusedRequest(
      String request, String reason, @JsonPropertyDescription("RFC 3339.") String at) {}

  /** Whether it is under way. */
  public boolean underWay() {
    return phase == Phase.Requested;
  }
}
