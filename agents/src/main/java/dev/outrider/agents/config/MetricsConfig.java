package dev.outrider.agents.config;

/**
 * What the proxy tells of the messages that it relays.
 *
 * @param enabled whether it counts them at all
 * @param maxLabels how many sets of database, user and application are told apart, 4 to 200; the
 *     rest is told as {@code other}
 * @param maxFingerprints how many fingerprints of statements have figures of their own, 8 to 500:
 *     those that take the most time; the rest is told as {@code other}
 * @param texts whether {@code /queries} shows what statements look like without their values
 */
public record MetricsConfig(boolean enabled, int maxLabels, int maxFingerprints, boolean texts) {
  /** What is in force where nothing is written. */
  public static final MetricsConfig DEFAULTS = new MetricsConfig(true, 100, 100, true);

  /** Checks every range. */
  public MetricsConfig {
    ProxyConfig.number("maxLabels", maxLabels, 4, 200);
    ProxyConfig.number("maxFingerprints", maxFingerprints, 8, 500);
  }

  static MetricsConfig from(ConfigSection section) {
    return new MetricsConfig(
        section.value("enabled", DEFAULTS.enabled, MetricsConfig::flag),
        section.value("maxLabels", DEFAULTS.maxLabels, ProxyConfig::integer),
        section.value("maxFingerprints", DEFAULTS.maxFingerprints, ProxyConfig::integer),
        section.value("texts", DEFAULTS.texts, MetricsConfig::flag));
  }

  private static boolean flag(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("true or false");
    };
  }

  ConfigTree.Builder toTree() {
    return new ConfigTree.Builder()
        .put("enabled", String.valueOf(enabled))
        .put("maxLabels", String.valueOf(maxLabels))
        .put("maxFingerprints", String.valueOf(maxFingerprints))
        .put("texts", String.valueOf(texts));
  }
}
