package dev.outrider.agents.config;

/**
 * The plain HTTP endpoint of an agent: {@code /metrics}, {@code /livez} and {@code /readyz}; {@code
 * /status} too if it listens on loopback and {@link StatusConfig} is absent.
 *
 * @param listen where it listens
 */
public record HttpConfig(HostPort listen) {
  static HttpConfig from(ConfigSection section, HttpConfig byDefault) {
    return new HttpConfig(section.value("listen", byDefault.listen(), HostPort::parse));
  }

  ConfigTree.Builder toTree() {
    return new ConfigTree.Builder().put("listen", listen.toString());
  }
}
