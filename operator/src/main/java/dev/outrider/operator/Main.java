package dev.outrider.operator;

import dev.outrider.operator.model.Images;
import dev.outrider.operator.reconcile.ClusterGauges;
import dev.outrider.operator.reconcile.PostgresClusterReconciler;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfigurationBuilder;
import io.javaoperatorsdk.operator.processing.event.rate.LinearRateLimiter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts the operator. Settings come from the environment:
 *
 * <ul>
 *   <li>{@code OUTRIDER_NAMESPACE}: its own, for the leader election; without it, there is none
 *   <li>{@code OUTRIDER_POD}: its name among its replicas
 *   <li>{@code OUTRIDER_WATCH}: namespaces to watch, separated by commas; all when empty
 *   <li>{@code OUTRIDER_HTTP_PORT}: of {@code /metrics}, {@code /livez} and {@code /readyz}, 8080
 *   <li>the images, see {@link Images}
 * </ul>
 */
public final class Main {
  private static final Logger LOG = LoggerFactory.getLogger(Main.class);

  // So long may runs that have begun go on when the operator stops.
  private static final Duration LAST_RUNS = Duration.ofSeconds(5);

  private Main() {}

  public static void main(String[] args) throws IOException {
    String version =
        Objects.requireNonNullElse(Main.class.getPackage().getImplementationVersion(), "0");
    if (args.length > 0) {
      System.out.println(
          args[0].equals("--version")
              ? "outrider-operator " + version
              : "usage: outrider-operator [--version]; settings come from the environment, see"
                  + " docs/operator.md");
      return;
    }
    Map<String, String> environment = System.getenv();
    PrometheusRegistry registry = new PrometheusRegistry();
    MemoryAtRest memory = new MemoryAtRest(System::nanoTime, System::gc);
    OperatorMetrics metrics = new OperatorMetrics(registry, memory::worked);
    KubernetesClient client =
        new KubernetesClientBuilder()
            .withHttpClientBuilderConsumer(
                builder -> builder.addOrReplaceInterceptor("metrics", metrics))
            .build();
    String instance = environment.getOrDefault("OUTRIDER_POD", "outrider-operator");
    String namespace = environment.get("OUTRIDER_NAMESPACE");
    String watch = environment.getOrDefault("OUTRIDER_WATCH", "");
    AtomicBoolean stopping = new AtomicBoolean();
    Operator operator =
        new Operator(
            overrider -> {
              overrider
                  .withKubernetesClient(client)
                  .withMetrics(metrics)
                  .checkingCRDAndValidateLocalModel(false)
                  .withUseSSAToPatchPrimaryResource(true)
                  // Two clusters at once are enough: a run takes milliseconds.
                  .withConcurrentReconciliationThreads(2)
                  .withConcurrentWorkflowExecutorThreads(1)
                  // The Lease is given up when all is done, and by this client.
                  .withReconciliationTerminationTimeout(LAST_RUNS)
                  .withCloseClientOnStop(false)
                  .withCacheSyncTimeout(Duration.ofMinutes(2));
              if (namespace != null) {
                overrider.withLeaderElectionConfiguration(
                    LeaderElectionConfigurationBuilder.aLeaderElectionConfiguration(
                            Leadership.LEASE)
                        .withLeaseNamespace(namespace)
                        .withIdentity(instance)
                        // Its own exit would wait for the shutdown hook that waits for it.
                        .withExitOnStopLeading(false)
                        .withLeaderCallbacks(
                            new LeaderCallbacks(
                                () -> LOG.info("leading"),
                                () -> stopLeading(stopping.get()),
                                leader -> {}))
                        .build());
              }
            });
    operator.register(
        new PostgresClusterReconciler(
            client,
            Images.from(environment),
            version,
            instance,
            InstantSource.system(),
            new SecureRandom(),
            new ClusterGauges(registry)),
        controller -> {
          if (!watch.isBlank()) {
            controller.settingNamespaces(Set.of(watch.split("\\s*,\\s*", -1)));
          }
          // A storm of events, as when a node fails, is one run a second.
          controller.withRateLimiter(new LinearRateLimiter(Duration.ofSeconds(1), 3));
        });
    HttpEndpoint http =
        HttpEndpoint.start(
            Integer.parseInt(environment.getOrDefault("OUTRIDER_HTTP_PORT", "8080")),
            registry,
            operator);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stopping.set(true);
                  http.close();
                  operator.stop();
                  if (namespace != null) {
                    Leadership.giveUp(client, namespace, instance);
                  }
                },
                "stop"));
    try {
      operator.start();
    } catch (RuntimeException e) {
      // The kubelet starts it again; other threads would keep this process alive for nothing.
      LOG.error("the operator could not start", e);
      Runtime.getRuntime().halt(1);
    }
    http.started();
    memory.start();
    LOG.atInfo()
        .addKeyValue("version", version)
        .addKeyValue("watching", watch.isBlank() ? "all namespaces" : watch)
        .log("operator started");
  }

  /** An operator that lost its Lease must not go on beside the new leader; a new process may. */
  private static void stopLeading(boolean stopping) {
    if (!stopping) {
      LOG.error("the Lease was lost; ending at once");
      Runtime.getRuntime().halt(1);
    }
  }
}
