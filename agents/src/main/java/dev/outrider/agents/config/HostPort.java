package dev.outrider.agents.config;

/**
 * A host name or address and a TCP port.
 *
 * @param host a name, an IPv4 address, or an IPv6 address without its brackets; not resolved here
 * @param port 0 to 65535; where one listens, 0 means any free port
 */
public record HostPort(String host, int port) {
  private static final String FORM =
      "HOST:PORT, for example 127.0.0.1:5432 or [::1]:5432, with a port of 0 to 65535";

  /** Checks the port's range and the host's characters. */
  public HostPort {
    if (port < 0 || port > 65535 || host.isEmpty() || !isHost(host)) {
      throw new IllegalArgumentException(FORM);
    }
  }

  private static boolean isHost(String host) {
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      boolean allowed =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '-'
              || c == '_'
              || c == ':'
              || c == '%';
      if (!allowed) {
        return false;
      }
    }
    return true;
  }

  /**
   * Parses {@code HOST:PORT}; an IPv6 address stands in brackets.
   *
   * @throws IllegalArgumentException with what is allowed
   */
  public static HostPort parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 1 || colon == text.length() - 1 || text.length() - colon > 6) {
      throw new IllegalArgumentException(FORM);
    }
    String host = text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]") && host.indexOf(':') > 0) {
      host = host.substring(1, host.length() - 1);
    } else if (host.indexOf(':') >= 0) {
      throw new IllegalArgumentException(FORM);
    }
    int port = 0;
    for (int i = colon + 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        throw new IllegalArgumentException(FORM);
      }
      port = port * 10 + (c - '0');
    }
    return new HostPort(host, port);
  }

  /**
   * Whether the host is written as a loopback address or {@code localhost}; names are not resolved.
   */
  public boolean isLoopback() {
    return host.equals("localhost") || host.startsWith("127.") || host.equals("::1");
  }

  @Override
  public String toString() {
    return host.indexOf(':') >= 0 ? '[' + host + "]:" + port : host + ':' + port;
  }
}
