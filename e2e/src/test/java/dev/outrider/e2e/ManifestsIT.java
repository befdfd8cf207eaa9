package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.PostgresCluster;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Walks the manifests under {@code resources/manifests}: what is good is accepted; what is bad is
 * refused with an error that holds the words of its {@code # error:} lines.
 */
class ManifestsIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-manifests";

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);
  private static final Path FOLDER = Path.of("src/test/resources/manifests");

  static Stream<Path> valid() throws IOException {
    return Stream.concat(files("valid"), list(Path.of("../examples")));
  }

  static Stream<Path> refused() throws IOException {
    return files("refused");
  }

  static Stream<Path> refusedChange() throws IOException {
    return files("refused-change");
  }

  static Stream<Path> condition() throws IOException {
    return files("condition");
  }

  private static Stream<Path> files(String folder) throws IOException {
    return list(FOLDER.resolve(folder));
  }

  private static Stream<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> sorted = files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList();
      assertTrue(!sorted.isEmpty(), () -> "no manifest in " + folder);
      return sorted.stream();
    }
  }

  @ParameterizedTest
  @MethodSource("valid")
  void isAccepted(Path file) {
    for (String document : documents(file)) {
      assertNotNull(KUBE.dryRun(NAMESPACE, document));
    }
  }

  @ParameterizedTest
  @MethodSource("refused")
  void isRefusedWhenApplied(Path file) {
    KubernetesClientException error =
        assertThrows(
            KubernetesClientException.class,
            () -> KUBE.dryRun(NAMESPACE, documents(file).getFirst()));
    assertWords(file, String.valueOf(error.getMessage()));
  }

  @ParameterizedTest
  @MethodSource("refusedChange")
  void isRefusedWhenChanged(Path file) {
    // Given
    List<String> documents = documents(file);
    GenericKubernetesResource cluster = KUBE.apply(NAMESPACE, documents.getFirst());
    try {
      // When
      KubernetesClientException error =
          assertThrows(
              KubernetesClientException.class, () -> KUBE.apply(NAMESPACE, documents.getLast()));
      // Then
      assertWords(file, String.valueOf(error.getMessage()));
    } finally {
      KUBE.client.resource(cluster).delete();
    }
  }

  @ParameterizedTest
  @MethodSource("condition")
  void isToldInACondition(Path file) {
    // Given
    GenericKubernetesResource cluster = KUBE.apply(NAMESPACE, documents(file).getFirst());
    String name = cluster.getMetadata().getName();
    try {
      // When
      Kube.await(
          Duration.ofSeconds(30),
          () -> {
            PostgresCluster now = KUBE.get(NAMESPACE, name);
            Condition progressing =
                now == null ? null : Kube.condition(now.getStatus(), "Progressing");
            return progressing == null ? "no condition yet" : null;
          });
      // Then
      var status = KUBE.status(NAMESPACE, name);
      Condition progressing = Kube.condition(status, "Progressing");
      assertNotNull(progressing);
      assertEquals("InvalidSpec", progressing.getReason());
      assertEquals("False", progressing.getStatus());
      assertEquals("InvalidSpec", status.summary());
      assertWords(file, progressing.getMessage());
      assertNull(
          KUBE.client.apps().statefulSets().inNamespace(NAMESPACE).withName(name).get(),
          "nothing is made of a bad spec");
    } finally {
      KUBE.client.resource(cluster).delete();
    }
  }

  private static void assertWords(Path file, String message) {
    for (String line : text(file).lines().filter(l -> l.startsWith("# error: ")).toList()) {
      String words = line.substring("# error: ".length());
      assertTrue(
          message.contains(words), () -> file + ": expected \"" + words + "\" in: " + message);
    }
    assertTrue(text(file).contains("# error: "), () -> file + " says no # error:");
  }

  private static List<String> documents(Path file) {
    List<String> documents = new ArrayList<>();
    for (String document : text(file).split("(?m)^---$", -1)) {
      if (document.contains("kind:")) {
        documents.add(document);
      }
    }
    return documents;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
