package dev.outrider.metrics.proxy.traces;

import dev.outrider.agents.config.TracesConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpRetryException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests to a collector, one at a time. By the JDK's oldest client: it is there in the
 * smallest runtime and has no threads. For one thread.
 */
final class Collector {
  private static final int MAX_HEADERS = 16 << 10;
  // More is not read: then the connection is not used again, which is all that is lost.
  private static final int MAX_ANSWER = 16 << 10;
  private static final int MAX_RETRY_AFTER = 60;
  // RFC 9110, 5.1 and 5.5: a token, a colon, and characters that can be seen.
  private static final Pattern HEADER =
      Pattern.compile("\\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~]*?)\\s*");

  /**
   * What a collector has answered.
   *
   * @param problem why it has not taken what was sent; null: it has
   * @param again whether the same may be sent again
   * @param afterSeconds how long it wants to be left alone, 0 if it does not say
   */
  record Answer(@Nullable String problem, boolean again, int afterSeconds) {
    private static final Answer TAKEN = new Answer(null, false, 0);
  }

  private final TracesConfig config;

  Collector(TracesConfig config) {
    this.config = config;
  }

  /** Sends a request and waits for the answer, each step at most for the configured time. */
  Answer send(byte[] request) {
    Map<String, String> headers;
    try {
      headers = headers(config.headersFile());
    } catch (IOException e) {
      return new Answer("traces.headersFile cannot be read: " + e, true, 0);
    } catch (IllegalArgumentException e) {
      // Its value may be a secret.
      return new Answer("traces.headersFile has a line that is no header", true, 0);
    }
    try {
      HttpURLConnection connection = (HttpURLConnection) config.endpoint().toURL().openConnection();
      return send(connection, headers, request);
    } catch (HttpRetryException e) {
      return answer(e.responseCode(), null);
    } catch (IOException e) {
      return new Answer(e.toString(), true, 0);
    }
  }

  private Answer send(HttpURLConnection connection, Map<String, String> headers, byte[] request)
      throws IOException {
    int timeout = (int) config.timeout().toMillis();
    connection.setConnectTimeout(timeout);
    connection.setReadTimeout(timeout);
    connection.setInstanceFollowRedirects(false);
    connection.setUseCaches(false);
    connection.setRequestMethod("POST");
    connection.setDoOutput(true);
    connection.setFixedLengthStreamingMode(request.length);
    headers.forEach(connection::setRequestProperty);
    connection.setRequestProperty("Content-Type", "application/x-protobuf");
    try (OutputStream out = connection.getOutputStream()) {
      out.write(request);
    }
    int code = connection.getResponseCode();
    try (InputStream in = code < 400 ? connection.getInputStream() : connection.getErrorStream()) {
      if (in != null) {
        in.readNBytes(MAX_ANSWER);
      }
    }
    return answer(code, connection.getHeaderField("Retry-After"));
  }

  /** By the specification only these are worth another attempt. */
  private static Answer answer(int code, @Nullable String retryAfter) {
    if (code / 100 == 2) {
      return Answer.TAKEN;
    }
    boolean again = code == 429 || code == 502 || code == 503 || code == 504;
    int seconds = 0;
    if (again && retryAfter != null && retryAfter.matches("[0-9]{1,4}")) {
      seconds = Math.min(Integer.parseInt(retryAfter), MAX_RETRY_AFTER);
    }
    return new Answer("the collector answers with HTTP status " + code, again, seconds);
  }

  /** Read for every request, so that what replaces a token is taken up. */
  private static Map<String, String> headers(@Nullable Path file) throws IOException {
    if (file == null) {
      return Map.of();
    }
    String text;
    try (InputStream in = Files.newInputStream(file)) {
      text = new String(in.readNBytes(MAX_HEADERS), StandardCharsets.UTF_8);
    }
    Map<String, String> headers = new LinkedHashMap<>();
    text.lines()
        .filter(line -> !line.isBlank())
        .forEach(
            line -> {
              Matcher header = HEADER.matcher(line);
              if (!header.matches()) {
                throw new IllegalArgumentException("no header");
              }
              headers.put(header.group(1), header.group(2));
            });
    return headers;
  }
}
