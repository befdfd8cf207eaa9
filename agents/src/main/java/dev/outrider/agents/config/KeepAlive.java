package dev.outrider.agents.config;

import java.time.Duration;

/**
 * When the kernel asks a client that is silent whether it is still there, and gives it up: TCP
 * keep-alive, see tcp(7).
 *
 * @param idle the silence before it asks, 1s to 2h
 * @param interval between two questions, 1s to 1h
 * @param count questions without an answer before the connection ends, 1 to 100
 */
public record KeepAlive(Duration idle, Duration interval, int count) {
  /** Checks every range. */
  public KeepAlive {
    ProxyConfig.duration("idle", idle, Duration.ofSeconds(1), Duration.ofHours(2));
    ProxyConfig.duration("interval", interval, Duration.ofSeconds(1), Duration.ofHours(1));
    ProxyConfig.number("count", count, 1, 100);
  }

  static KeepAlive from(ConfigSection section, KeepAlive byDefault) {
    return new KeepAlive(
        section.value("idle", byDefault.idle(), DurationText::parse),
        section.value("interval", byDefault.interval(), DurationText::parse),
        section.value("count", byDefault.count(), ProxyConfig::integer));
  }

  ConfigTree.Builder toTree() {
    return new ConfigTree.Builder()
        .put("idle", DurationText.format(idle))
        .put("interval", DurationText.format(interval))
        .put("count", String.valueOf(count));
  }
}
