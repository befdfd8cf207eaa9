package dev.outrider.metrics.proxy;

import dev.outrider.agents.config.HostPort;
import dev.outrider.agents.config.PrimaryConfig;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.lifecycle.AgentException;
import dev.outrider.metrics.proxy.session.Entrance;
import java.net.InetSocketAddress;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** A listener for each entrance that the configuration has. */
final class Listeners {
  /** Before the start. */
  static final Listeners NONE = new Listeners(Map.of());

  private final Map<Entrance, Bound> bound;

  private record Bound(HostPort configured, Listener listener) {}

  /** What makes a listener, for example {@link Listener#bind}. */
  interface Binder {
    /**
     * Has the address from now on.
     *
     * @param key which key of the configuration says so
     * @throws AgentException if the address cannot be listened on
     */
    Listener bind(String key, HostPort address, Entrance entrance);
  }

  private Listeners(Map<Entrance, Bound> bound) {
    this.bound = bound;
  }

  /**
   * Those of another configuration. Listeners whose addresses stay are shared, and nobody is taken
   * in by the others before {@link #open}.
   *
   * @throws AgentException if an address cannot be listened on; then nothing has changed
   */
  Listeners moved(ProxyConfig config, Binder binder) {
    Map<Entrance, Bound> next = new EnumMap<>(Entrance.class);
    try {
      put(next, Entrance.ANY, config.listen(), binder);
      PrimaryConfig primary = config.primary();
      if (primary != null) {
        put(next, Entrance.PRIMARY, primary.listen(), binder);
      }
    } catch (AgentException e) {
      new Listeners(next).closeBut(this);
      throw e;
    }
    return new Listeners(next);
  }

  private void put(Map<Entrance, Bound> next, Entrance entrance, HostPort address, Binder binder) {
    Bound before = bound.get(entrance);
    next.put(
        entrance,
        before != null && before.configured().equals(address)
            ? before
            : new Bound(address, binder.bind(key(entrance), address, entrance)));
  }

  private static String key(Entrance entrance) {
    return switch (entrance) {
      case ANY -> "listen";
      case PRIMARY -> "primary.listen";
    };
  }

  /** Takes in who has connected, and who connects from now on. */
  void open() {
    bound.values().forEach(one -> one.listener().open());
  }

  /** Where one listens: tells the port if the configuration left it open. */
  InetSocketAddress address(Entrance entrance) {
    Bound one = bound.get(entrance);
    if (one == null) {
      throw new IllegalStateException("not configured: " + key(entrance));
    }
    return one.listener().address();
  }

  /** The keys of those that listen no longer, though nobody has closed them. */
  List<String> lost() {
    return bound.entrySet().stream()
        .filter(one -> !one.getValue().listener().isOpen())
        .map(one -> key(one.getKey()))
        .toList();
  }

  /** Closes those that the others do not share. */
  void closeBut(Listeners others) {
    bound.forEach(
        (entrance, one) -> {
          if (!one.equals(others.bound.get(entrance))) {
            one.listener().close();
          }
        });
  }

  /** Closes all, without waiting until it is done. */
  void closeSoon() {
    bound.values().forEach(one -> one.listener().closeSoon());
  }
}
