package dev.outrider.operator.agents;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outrider.agents.config.AgentStatus;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;

/**
 * Reads one agent's {@code GET /status}.
 *
 * <p>Blocks, so it belongs on a virtual thread; an interrupt ends it at once, whatever it waits
 * for. Agents are reached by address: that the peer belongs to the cluster is proven by a
 * certificate of the cluster's own authority, whose names are not looked at.
 */
final class StatusClient implements StatusSource {
  /** Many times the size of any true answer, bytes. */
  private static final int MAX_BYTES = 64 * 1024;

  private final ObjectMapper json = new ObjectMapper();
  private final int timeoutMillis;

  /**
   * Makes a client.
   *
   * @param timeout for each of connecting and reading
   */
  StatusClient(Duration timeout) {
    this.timeoutMillis = Math.toIntExact(timeout.toMillis());
  }

  @Override
  public AgentStatus read(String address, int port, SSLContext tls) throws IOException {
    HttpsURLConnection connection =
        (HttpsURLConnection) uri(address, port).toURL().openConnection(Proxy.NO_PROXY);
    connection.setSSLSocketFactory(tls.getSocketFactory());
    connection.setHostnameVerifier((host, session) -> true);
    connection.setConnectTimeout(timeoutMillis);
    connection.setReadTimeout(timeoutMillis);
    connection.setInstanceFollowRedirects(false);
    connection.setUseCaches(false);
    // One that is kept open would cost a thread here and one in the agent.
    connection.setRequestProperty("Connection", "close");
    try {
      int code = connection.getResponseCode();
      if (code != HttpURLConnection.HTTP_OK) {
        throw new IOException("GET /status answered " + code);
      }
      try (InputStream body = connection.getInputStream()) {
        byte[] bytes = body.readNBytes(MAX_BYTES + 1);
        if (bytes.length > MAX_BYTES) {
          throw new IOException("GET /status answered more than " + MAX_BYTES + " bytes");
        }
        return AgentStatus.from(json.readValue(bytes, Map.class));
      }
    } catch (JsonProcessingException e) {
      throw new IOException("GET /status answered no JSON: " + e.getOriginalMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new IOException("GET /status answered something else: " + e.getMessage(), e);
    } finally {
      connection.disconnect();
    }
  }

  private static URI uri(String address, int port) throws IOException {
    String host = address.contains(":") ? "[" + address + "]" : address;
    try {
      return new URI("https", null, host, port, "/status", null, null);
    } catch (URISyntaxException e) {
      throw new IOException("\"" + address + "\" is not an address", e);
    }
  }
}
