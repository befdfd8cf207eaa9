package dev.outrider.agents.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Where a Postgres is reached: its Unix socket beside the agent, or TCP. */
public sealed interface UpstreamAddress {
  /**
   * A Unix socket, written {@code unix:/run/postgresql/.s.PGSQL.5433}.
   *
   * @param path absolute, at most 107 bytes: what {@code sockaddr_un} holds on Linux, see unix(7)
   */
  record UnixSocket(Path path) implements UpstreamAddress {
    /** Checks that the path is absolute and fits into a socket address. */
    public UnixSocket {
      if (!path.isAbsolute()
          || path.toString().getBytes(StandardCharsets.UTF_8).length > MAX_UNIX_PATH) {
        throw new IllegalArgumentException(FORM);
      }
    }

    @Override
    public String toString() {
      return UNIX + path;
    }
  }

  /**
   * TCP, written {@code HOST:PORT}.
   *
   * @param address its port is not 0
   */
  record Tcp(HostPort address) implements UpstreamAddress {
    /** Checks that there is a port to connect to. */
    public Tcp {
      if (address.port() == 0) {
        throw new IllegalArgumentException(FORM);
      }
    }

    @Override
    public String toString() {
      return address.toString();
    }
  }

  /** The longest path of a Unix socket, in bytes. */
  int MAX_UNIX_PATH = 107;

  /** How a Unix socket starts. */
  String UNIX = "unix:";

  /** What is allowed, in words. */
  String FORM =
      "unix:/ABSOLUTE/PATH of at most 107 bytes, for example unix:/run/postgresql/.s.PGSQL.5433,"
          + " or HOST:PORT";

  /**
   * Parses {@code unix:/path} or {@code HOST:PORT}.
   *
   * @throws IllegalArgumentException with what is allowed
   */
  static UpstreamAddress parse(String text) {
    try {
      if (text.startsWith(UNIX)) {
        return new UnixSocket(Path.of(text.substring(UNIX.length())));
      }
      return new Tcp(HostPort.parse(text));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(FORM, e);
    }
  }
}
