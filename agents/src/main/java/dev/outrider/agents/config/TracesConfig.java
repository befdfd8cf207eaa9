package dev.outrider.agents.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where the proxy sends the spans of queries that belong to a trace, by <a
 * href="https://opentelemetry.io/docs/specs/otlp/#otlphttp">OTLP over HTTP</a>.
 *
 * @param endpoint where the collector takes them, whole with its path
 * @param serviceName the name of the service whose spans they are
 * @param attributes what else the resource is told to be, by name
 * @param headersFile a file of headers for the collector, {@code NAME: VALUE} a line, an absolute
 *     path; null: none. Here, for what is in a header is mostly a secret.
 * @param timeout how long the collector may take to accept a connection, and to answer, 100ms to 1m
 */
public record TracesConfig(
    URI endpoint,
    String serviceName,
    Map<String, String> attributes,
    @Nullable Path headersFile,
    Duration timeout) {
  /** The name of the service where none is written. */
  public static final String SERVICE = "outrider-proxy";

  /** How long a collector may take where nothing is written. */
  public static final Duration TIMEOUT = Duration.ofSeconds(10);

  private static final String PATH = "/v1/traces";
  private static final String FORM =
      "http:// or https://HOST[:PORT][/PATH], for example http://collector:4318";
  private static final String NAME_VALUE = "NAME=VALUE, the name of letters, digits, . _ and -";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,128}");
  private static final int MAX_VALUE = 256;

  /** Checks every range; keeps the order of the attributes. */
  public TracesConfig {
    attributes = Collections.unmodifiableMap(new LinkedHashMap<>(attributes));
    if (headersFile != null && !headersFile.isAbsolute()) {
      throw ConfigException.value("headersFile", headersFile.toString(), ProxyConfig.ABSOLUTE_PATH);
    }
    ProxyConfig.duration("timeout", timeout, Duration.ofMillis(100), Duration.ofMinutes(1));
  }

  /**
   * Parses the address of a collector; without a path it is {@code /v1/traces}.
   *
   * @throws IllegalArgumentException with what is allowed
   */
  public static URI endpoint(String text) {
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(FORM, e);
    }
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    if (!(scheme.equals("http") || scheme.equals("https"))
        || uri.getHost() == null
        || uri.getPort() == 0
        || uri.getPort() > 65_535
        || uri.getRawUserInfo() != null
        || uri.getRawQuery() != null
        || uri.getRawFragment() != null) {
      throw new IllegalArgumentException(FORM);
    }
    String path = uri.getRawPath();
    return path.isEmpty() || path.equals("/") ? uri.resolve(PATH) : uri;
  }

  private static String serviceName(String text) {
    if (text.isBlank() || text.length() > MAX_VALUE) {
      throw new IllegalArgumentException("1 to " + MAX_VALUE + " characters");
    }
    return text;
  }

  private static String[] attribute(String text) {
    int equals = text.indexOf('=');
    if (equals < 0
        || !NAME.matcher(text.substring(0, equals)).matches()
        || text.length() - equals > MAX_VALUE) {
      throw new IllegalArgumentException(NAME_VALUE);
    }
    return new String[] {text.substring(0, equals), text.substring(equals + 1)};
  }

  static TracesConfig from(ConfigSection section) {
    Map<String, String> attributes = new LinkedHashMap<>();
    for (String[] attribute : section.values("attributes", List.of(), TracesConfig::attribute)) {
      attributes.put(attribute[0], attribute[1]);
    }
    return new TracesConfig(
        section.required("endpoint", TracesConfig::endpoint),
        section.value("serviceName", SERVICE, TracesConfig::serviceName),
        attributes,
        section.valueOrNull("headersFile", Path::of),
        section.value("timeout", TIMEOUT, DurationText::parse));
  }

  ConfigTree.Builder toTree() {
    return new ConfigTree.Builder()
        .put("endpoint", endpoint.toString())
        .put("serviceName", serviceName)
        .put(
            "attributes",
            attributes.entrySet().stream().map(of -> of.getKey() + '=' + of.getValue()).toList())
        .put("headersFile", headersFile == null ? null : headersFile.toString())
        .put("timeout", DurationText.format(timeout));
  }
}
