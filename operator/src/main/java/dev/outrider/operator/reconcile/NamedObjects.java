package dev.outrider.operator.reconcile;

import dev.outrider.operator.model.CertManager;
import dev.outrider.operator.model.Names;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Objects that specs name and that have no label of ours: each is read when a run first asks for it
 * and then again every {@link #PACE}, and who asked is told when it is another one.
 *
 * <p>There is no informer for them, since that would keep every Secret there is in memory. Safe for
 * all threads; one of its own looks, from the first object on.
 */
final class NamedObjects implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NamedObjects.class);
  private static final ResourceDefinitionContext CERTIFICATES =
      new ResourceDefinitionContext.Builder()
          .withGroup(CertManager.GROUP)
          .withVersion(CertManager.VERSION)
          .withKind(CertManager.KIND)
          .withPlural(CertManager.PLURAL)
          .withNamespaced(true)
          .build();

  /** Between two looks: a certificate is replaced long before it ends. */
  static final Duration PACE = Duration.ofSeconds(30);

  /** The kinds of such objects. */
  enum Kind {
    SECRET,
    CERTIFICATE
  }

  /** Which object of a cluster's namespace. */
  record Ref(Kind kind, String name) {}

  /**
   * What was found.
   *
   * @param there those that are there
   * @param unread why others could not be read, which may be there or not
   */
  record Found(Map<Ref, HasMetadata> there, Map<Ref, RuntimeException> unread) {}

  private final KubernetesClient client;
  private final Consumer<Names> news;
  private final Map<Names, Map<Ref, Optional<HasMetadata>>> known = new HashMap<>();
  private @Nullable ScheduledThreadPoolExecutor timer;

  /**
   * @param news told of each cluster for which an object is another one; must return soon
   */
  NamedObjects(KubernetesClient client, Consumer<Names> news) {
    this.client = client;
    this.news = news;
  }

  /** Where a Certificate of cert-manager is, whether or not the API server knows the kind. */
  static Resource<GenericKubernetesResource> certificate(
      KubernetesClient client, String namespace, String name) {
    return client.genericKubernetesResources(CERTIFICATES).inNamespace(namespace).withName(name);
  }

  /**
   * The objects that a cluster needs. One that cannot be read, be it for its name, holds up no
   * other.
   *
   * @param refs all that it needs from now on
   */
  Found of(Names names, Set<Ref> refs) {
    Found found = new Found(new HashMap<>(), new HashMap<>());
    for (Ref ref : refs) {
      Optional<HasMetadata> object;
      synchronized (this) {
        object = known.getOrDefault(names, Map.of()).get(ref);
      }
      if (object == null) {
        try {
          object = Optional.ofNullable(read(names, ref));
        } catch (RuntimeException e) {
          // Not known, which is not the same as not there: the next run asks once more.
          found.unread().put(ref, e);
          continue;
        }
        put(names, ref, object);
      }
      object.ifPresent(there -> found.there().put(ref, there));
    }
    keep(names, refs);
    return found;
  }

  /** What a run itself has made of an object. */
  void made(Names names, Ref ref, HasMetadata object) {
    put(names, ref, Optional.of(object));
  }

  /** To be called when a cluster is gone, or needs none any more. */
  synchronized void forget(Names names) {
    known.remove(names);
  }

  private synchronized void put(Names names, Ref ref, Optional<HasMetadata> object) {
    known.computeIfAbsent(names, n -> new HashMap<>()).put(ref, object);
    if (timer == null) {
      timer =
          new ScheduledThreadPoolExecutor(
              1, Thread.ofPlatform().name("named-objects").daemon(true).factory());
      var _ =
          timer.scheduleWithFixedDelay(
              this::look, PACE.toMillis(), PACE.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private synchronized void keep(Names names, Set<Ref> refs) {
    Map<Ref, Optional<HasMetadata>> objects = known.get(names);
    if (objects != null) {
      objects.keySet().retainAll(refs);
      if (objects.isEmpty()) {
        known.remove(names);
      }
    }
  }

  /** Reads all that is known once more. */
  void look() {
    List<Names> clusters;
    synchronized (this) {
      clusters = List.copyOf(known.keySet());
    }
    for (Names names : clusters) {
      Set<Ref> refs;
      synchronized (this) {
        refs = Set.copyOf(known.getOrDefault(names, Map.of()).keySet());
      }
      boolean told = false;
      for (Ref ref : refs) {
        try {
          told |= isNews(names, ref, read(names, ref));
        } catch (RuntimeException e) {
          // Whatever it is: the next look is to come.
          LOG.atDebug()
              .addKeyValue("namespace", names.namespace())
              .addKeyValue("name", ref.name())
              .addKeyValue("problem", String.valueOf(e.getMessage()))
              .log("an object that a spec names could not be read");
        }
      }
      if (told) {
        news.accept(names);
      }
    }
  }

  private synchronized boolean isNews(Names names, Ref ref, @Nullable HasMetadata object) {
    Map<Ref, Optional<HasMetadata>> objects = known.get(names);
    Optional<HasMetadata> before = objects == null ? null : objects.get(ref);
    if (objects == null || before == null) {
      return false; // Not needed any more.
    }
    objects.put(ref, Optional.ofNullable(object));
    return !Objects.equals(version(before.orElse(null)), version(object));
  }

  private static @Nullable String version(@Nullable HasMetadata object) {
    return object == null
        ? null
        : object.getMetadata().getUid() + "/" + object.getMetadata().getResourceVersion();
  }

  private @Nullable HasMetadata read(Names names, Ref ref) {
    return switch (ref.kind()) {
      case SECRET -> client.secrets().inNamespace(names.namespace()).withName(ref.name()).get();
      case CERTIFICATE -> certificate(client, names.namespace(), ref.name()).get();
    };
  }

  /** Ends all looks. */
  @Override
  public synchronized void close() {
    known.clear();
    if (timer != null) {
      timer.shutdownNow();
    }
  }
}
