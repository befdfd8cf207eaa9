package dev.outrider.metrics.proxy.session;

import dev.outrider.agents.config.KeepAlive;
import dev.outrider.agents.config.Network;
import dev.outrider.agents.config.ProxyConfig;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;

/**
 * What the configuration says of sessions; a new one is for those that have not begun. Who is let
 * in is asked when a session begins, the rest when its client connects.
 *
 * @param access who is let in
 * @param proxyProtocol who sends the header of the PROXY protocol
 * @param startupTimeout how long a client may take until Postgres has let it in
 * @param keepAlive when clients that have vanished are given up
 * @param cancelOnDisconnect whether the query of a client that vanishes is cancelled
 * @param logConnections whether sessions are logged
 */
record SessionRules(
    AccessRules access,
    List<Network> proxyProtocol,
    Duration startupTimeout,
    KeepAlive keepAlive,
    boolean cancelOnDisconnect,
    boolean logConnections) {
  static SessionRules of(ProxyConfig config) {
    return new SessionRules(
        new AccessRules(config.refusedUsers(), config.access()),
        config.proxyProtocol(),
        config.startupTimeout(),
        config.keepAlive(),
        config.cancelOnDisconnect(),
        config.logConnections());
  }

  /** Whether connections from here begin with a header of the PROXY protocol. */
  boolean isTrusted(InetAddress address) {
    return proxyProtocol.stream().anyMatch(network -> network.contains(address));
  }
}
