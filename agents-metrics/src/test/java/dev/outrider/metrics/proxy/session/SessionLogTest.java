package dev.outrider.metrics.proxy.session;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.log.AgentLog;
import dev.outrider.protocol.frontend.StartupMessage;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;

class SessionLogTest {
  @Test
  void aSessionHasALineWhenItBeginsAndWhenItEnds() throws Exception {
    // Given
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("user", "shop");
    parameters.put("application_name", "a \"b\"\n");
    parameters.put("options", "-c secret=value");
    ByteArrayOutputStream out = new ByteArrayOutputStream();

    // When
    try (AutoCloseable _ = AgentLog.divert("proxy", Level.INFO, out, () -> Instant.EPOCH)) {
      SessionLog log =
          new SessionLog(
              "/192.0.2.1:4000",
              new StartupMessage(StartupMessage.PROTOCOL_3_0, parameters),
              "shop",
              null);
      log.begun(4711);
      log.ended();
    }

    // Then
    List<String> lines = out.toString(UTF_8).lines().toList();
    String common =
        "\"client\":\"/192.0.2.1:4000\",\"user\":\"shop\",\"database\":\"shop\","
            + "\"application\":\"a \\\"b\\\"\\n\",\"backend\":4711";
    assertEquals(2, lines.size());
    assertTrue(lines.get(0).contains("\"msg\":\"connection authorized\"," + common), lines.get(0));
    assertTrue(lines.get(1).contains("\"msg\":\"disconnection\"," + common), lines.get(1));
    assertTrue(lines.get(1).contains("\"seconds\":"), lines.get(1));
  }
}
