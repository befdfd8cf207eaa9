package dev.outrider.operator.reconcile;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * As much of the Kubernetes API as server-side apply needs: objects by path, GET, DELETE, and PATCH
 * that merges fields, replaces lists, sets defaults and writes 1024Mi as 1Gi.
 */
final class FakeApiServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  private final Map<String, ObjectNode> objects = new ConcurrentHashMap<>();
  private final List<String> writes = new CopyOnWriteArrayList<>();
  private final Set<String> unknownKinds = ConcurrentHashMap.newKeySet();
  private final Map<String, Integer> failing = new ConcurrentHashMap<>();
  private final HttpServer server;
  private int resourceVersion;

  FakeApiServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::handle);
    server.start();
  }

  KubernetesClient client() {
    return new KubernetesClientBuilder()
        .withConfig(
            new ConfigBuilder(Config.empty())
                .withMasterUrl("http://127.0.0.1:" + server.getAddress().getPort())
                .withRequestRetryBackoffLimit(0)
                .build())
        .build();
  }

  /** Every write so far, as METHOD PATH?QUERY CONTENT-TYPE. */
  List<String> writes() {
    return writes;
  }

  void put(String path, String yaml) throws IOException {
    objects.put(path, (ObjectNode) YAML.readTree(yaml));
  }

  /** From now on no object of this plural can be written or is there. */
  void forgetKind(String plural) {
    unknownKinds.add(plural);
  }

  void knowKind(String plural) {
    unknownKinds.remove(plural);
  }

  /** From now on all that is asked of this object is answered with a code of HTTP. */
  void fail(String path, int code) {
    failing.put(path, code);
  }

  void mend(String path) {
    failing.remove(path);
  }

  ObjectNode get(String path) {
    ObjectNode object = objects.get(path);
    if (object == null) {
      throw new AssertionError("no " + path + " among " + objects.keySet());
    }
    return object;
  }

  void delete(String path) {
    objects.remove(path);
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      byte[] body = exchange.getRequestBody().readAllBytes();
      if (unknownKinds.stream().anyMatch(plural -> path.contains("/" + plural + "/"))) {
        answer(exchange, 404, status(404, "Failure"));
        return;
      }
      Integer failure = failing.get(path);
      if (failure != null) {
        answer(
            exchange,
            failure,
            status(failure, "Failure").put("message", "no, said with " + failure));
        return;
      }
      if (exchange.getRequestMethod().equals("DELETE")) {
        writes.add("DELETE " + path);
        boolean there = objects.remove(path) != null;
        answer(
            exchange, there ? 200 : 404, there ? status(200, "Success") : status(404, "Failure"));
        return;
      }
      if (exchange.getRequestMethod().equals("GET")) {
        ObjectNode object = objects.get(path);
        if (object == null) {
          answer(exchange, 404, status(404, "Failure"));
        } else {
          answer(exchange, 200, object);
        }
        return;
      }
      writes.add(
          exchange.getRequestMethod()
              + " "
              + exchange.getRequestURI()
              + " "
              + exchange.getRequestHeaders().getFirst("Content-Type"));
      ObjectNode object = objects.computeIfAbsent(path, p -> JSON.createObjectNode());
      merge(object, (ObjectNode) YAML.readTree(body));
      object.withObjectProperty("metadata").put("resourceVersion", "" + ++resourceVersion);
      object.withObjectProperty("metadata").put("uid", "uid-of-" + path);
      if (object.path("kind").asText().equals("Service")) {
        object.withObjectProperty("spec").put("clusterIP", "10.96.0.7");
        object.withObjectProperty("spec").put("sessionAffinity", "None");
      }
      answer(exchange, 200, object);
    }
  }

  private static ObjectNode status(int code, String word) {
    return JSON.createObjectNode()
        .put("kind", "Status")
        .put("apiVersion", "v1")
        .put("status", word)
        .put("code", code);
  }

  private static void merge(ObjectNode into, ObjectNode from) {
    from.properties()
        .forEach(
            field -> {
              JsonNode value = field.getValue();
              if (value instanceof ObjectNode child) {
                merge(into.withObjectProperty(field.getKey()), child);
              } else if (value.isTextual() && value.asText().equals("1024Mi")) {
                into.put(field.getKey(), "1Gi");
              } else {
                into.set(field.getKey(), value.deepCopy());
              }
            });
  }

  private static void answer(HttpExchange exchange, int code, JsonNode body) throws IOException {
    byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(code, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
