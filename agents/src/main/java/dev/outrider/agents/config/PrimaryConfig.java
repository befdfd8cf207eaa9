package dev.outrider.agents.config;

/**
 * The listener whose sessions are for a primary: where the instance is a standby, clients are
 * refused.
 *
 * @param listen where it listens
 */
public record PrimaryConfig(HostPort listen) {
  static PrimaryConfig from(ConfigSection section) {
    return new PrimaryConfig(section.required("listen", HostPort::parse));
  }

  ConfigTree.Builder toTree() {
    return new ConfigTree.Builder().put("listen", listen.toString());
  }
}
