package dev.outrider.operator.agents;

import dev.outrider.agents.config.AgentStatus;
import java.io.IOException;
import javax.net.ssl.SSLContext;

/** Where the status of an agent comes from. */
@FunctionalInterface
interface StatusSource {
  /**
   * Reads it; blocks, and ends when the thread is interrupted.
   *
   * @throws IOException if the agent cannot be reached or answers something else
   */
  AgentStatus read(String address, int port, SSLContext tls) throws IOException;
}
