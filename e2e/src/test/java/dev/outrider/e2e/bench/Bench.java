package dev.outrider.e2e.bench;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Measures, on the local cluster, what docs/benchmarks.md shows, ours and the peer's in turn, and
 * writes the tables as Markdown.
 *
 * <p>Arguments: the file to write, the number of rounds, the peer's PostgreSQL image (empty for its
 * operator's default), and the file with the sizes of our images. The peer is measured if its
 * custom resources are there.
 */
public final class Bench {
  private static final String PEER_CRD = "clusters.postgresql.cnpg.io";

  /** For the machine to come to rest when a cluster has gone. */
  private static final long PAUSE_MILLIS = 3_000;

  /** Before an idle instance's memory is looked at. */
  private static final long IDLE_MILLIS = 30_000;

  private final Lab lab;
  private final int rounds;
  private final List<Contender> contenders;
  private final Report report;

  private Bench(Lab lab, int rounds, List<Contender> contenders) {
    this.lab = lab;
    this.rounds = rounds;
    this.contenders = contenders;
    this.report =
        new Report(contenders.getFirst(), contenders.size() > 1 ? contenders.getLast() : null);
  }

  /** Measures everything; ends with an error if anything does not come about. */
  public static void main(String[] args) throws Exception {
    Path file = Path.of(args[0]);
    int rounds = Integer.parseInt(args[1]);
    try (KubernetesClient client = new KubernetesClientBuilder().build()) {
      List<Contender> contenders = new ArrayList<>(List.of(Contender.OUTRIDER));
      if (client.apiextensions().v1().customResourceDefinitions().withName(PEER_CRD).get()
          != null) {
        contenders.add(Contender.cloudNativePg(args[2]));
      }
      Bench bench = new Bench(new Lab(client), rounds, contenders);
      bench.report.condition("Kubernetes", client.getKubernetesVersion().getGitVersion());
      bench.clusters();
      bench.operators();
      bench.imageSizes(Path.of(args[3]));
      String text = bench.report.text();
      Files.writeString(file, text);
      System.out.println("\n" + text);
    }
  }

  private void clusters() throws Exception {
    Map<Contender, List<BringUp>> times = new LinkedHashMap<>();
    // The first round is for the images and this program's own classes, and is not counted.
    for (int round = 0; round <= rounds; round++) {
      for (Contender contender : contenders) {
        String namespace = "bench-" + contender.title().toLowerCase(Locale.ROOT);
        lab.namespace(namespace);
        Thread.sleep(PAUSE_MILLIS);
        BringUp time = BringUp.measure(lab, contender, namespace);
        System.out.printf(
            Locale.ROOT,
            "round %d of %d, %s: first write %.2f s, 3 ready %.2f s%n",
            round,
            rounds,
            contender.title(),
            time.firstWrite(),
            time.threeReady());
        if (round > 0) {
          times.computeIfAbsent(contender, any -> new ArrayList<>()).add(time);
        }
        if (round == rounds) {
          times(contender, times.getOrDefault(contender, List.of(time)));
          atRest(contender, namespace);
        }
        lab.deleteNamespace(namespace);
      }
    }
  }

  private void times(Contender contender, List<BringUp> all) {
    report.figures(
        "from apply to the first accepted write, s",
        Goal.ofPeer(0.6),
        "%.1f",
        contender,
        new Figures(all.stream().map(BringUp::firstWrite).toList()));
    report.figures(
        "from apply to 3 instances, s",
        Goal.ofPeer(0.4),
        "%.1f",
        contender,
        new Figures(all.stream().map(BringUp::threeReady).toList()));
  }

  /** What can be measured of a cluster that is up and has nothing to do. */
  private void atRest(Contender contender, String namespace) throws Exception {
    List<Pod> pods = lab.pods(namespace, contender.instances());
    for (Pod pod : pods) {
      String address = pod.getStatus().getPodIP();
      try (Connection connection = lab.connect(namespace, address);
          Statement statement = connection.createStatement()) {
        statement.execute("select 1");
      }
      scrape("http://" + address + ":" + contender.metricsPort() + "/metrics");
    }
    Thread.sleep(IDLE_MILLIS);
    Pod operator = StartUp.operator(lab, contender);
    memory("operator", Goal.none(), Goal.atMost(90), contender, Memory.all(List.of(operator)));
    memory(
        "an instance without PostgreSQL's processes",
        Goal.none(),
        Goal.none(),
        contender,
        Memory.beside(pods));
    memory("postmaster", Goal.none(), Goal.none(), contender, Memory.postmaster(pods));
    if (contender.equals(Contender.OUTRIDER)) {
      memory("proxy", Goal.atMost(28), Goal.atMost(60), contender, Memory.container(pods, "proxy"));
      memory("Patroni", Goal.none(), Goal.none(), contender, Memory.named(pods, "patroni"));
      proxy(contender, pods.getFirst());
    }
    report.condition(contender.title(), images(Stream.concat(Stream.of(operator), pods.stream())));
  }

  private void memory(
      String what, Goal privately, Goal resident, Contender contender, Memory memory) {
    report.figures(what + ": private, MiB", privately, "%.1f", contender, memory.privately());
    report.figures(what + ": resident, MiB", resident, "%.1f", contender, memory.resident());
  }

  private void proxy(Contender contender, Pod pod) throws Exception {
    List<Double> seconds = new ArrayList<>();
    StartUp.ofProxy(lab, pod); // Brings the files into memory.
    for (int i = 0; i < rounds; i++) {
      seconds.add(StartUp.ofProxy(lab, pod));
    }
    report.figures(
        "proxy: start to ready, s", Goal.atMost(0.25), "%.2f", contender, new Figures(seconds));
  }

  private void operators() throws Exception {
    for (Contender contender : contenders) {
      List<Double> seconds = new ArrayList<>();
      for (int i = 0; i < rounds; i++) {
        Thread.sleep(PAUSE_MILLIS);
        seconds.add(StartUp.ofOperator(lab, contender));
      }
      report.figures(
          "operator: start to ready, s", Goal.none(), "%.2f", contender, new Figures(seconds));
    }
  }

  private static String images(Stream<Pod> pods) {
    List<String> images =
        pods.flatMap(Lab::containers).map(c -> "`" + c.getImage() + "`").distinct().toList();
    return String.join(", ", images);
  }

  private static void scrape(String uri) throws IOException, InterruptedException {
    try (HttpClient http = HttpClient.newHttpClient()) {
      http.send(
          HttpRequest.newBuilder(URI.create(uri)).build(), HttpResponse.BodyHandlers.discarding());
    }
  }

  /** As the image build found them: name, compressed, unpacked, goal. */
  private void imageSizes(Path file) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    Files.readAllLines(file).stream()
        .map(line -> line.strip().split("\\s{2,}", -1))
        .filter(words -> !words[0].equals("image"))
        .forEach(
            words ->
                report.image(
                    words[0],
                    Double.parseDouble(words[1]),
                    Double.parseDouble(words[2]),
                    words[3].equals("-")
                        ? Goal.none()
                        : Goal.atMost(Double.parseDouble(words[3]))));
  }
}
