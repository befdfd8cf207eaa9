package dev.outrider.metrics.proxy;

import dev.outrider.agents.AgentCommand;
import dev.outrider.agents.config.ConfigKey;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.lifecycle.Agent;
import java.util.List;

/** {@code outrider proxy}. */
public final class ProxyCommand implements AgentCommand<ProxyConfig> {
  /** Called by ServiceLoader. */
  public ProxyCommand() {}

  @Override
  public String name() {
    return "proxy";
  }

  @Override
  public String summary() {
    return "Relays clients to the Postgres beside it.";
  }

  @Override
  public List<ConfigKey> keys() {
    return ProxyConfig.KEYS;
  }

  @Override
  public ProxyConfig bind(ConfigTree tree) {
    return ProxyConfig.from(tree);
  }

  @Override
  public Agent<ProxyConfig> agent(ProxyConfig config, Surroundings surroundings) {
    return new ProxyAgent(config, surroundings, Transport.best());
  }
}
