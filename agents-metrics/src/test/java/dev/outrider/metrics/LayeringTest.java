package dev.outrider.metrics;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "dev.outrider.metrics",
    importOptions = ImportOption.DoNotIncludeTests.class)
class LayeringTest {
  @ArchTest
  static final ArchRule USES_PROTOCOL_AND_WHAT_AGENTS_SHARE =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.outrider.metrics..",
              "dev.outrider.agents..",
              "dev.outrider.protocol..",
              "io.netty..",
              "io.prometheus..",
              "java..",
              "javax..",
              "org.jspecify..",
              "org.slf4j..");

  /** An event loop that waits for something stops every session on it. */
  @ArchTest
  static final ArchRule SESSIONS_DO_NOT_WAIT =
      noClasses()
          .that()
          .resideInAPackage("dev.outrider.metrics.proxy.session..")
          .should()
          .callMethod(Thread.class, "sleep", long.class)
          .orShould()
          .dependOnClassesThat()
          .haveFullyQualifiedName("java.util.concurrent.locks.LockSupport")
          .orShould()
          .dependOnClassesThat()
          .haveFullyQualifiedName("java.util.concurrent.CountDownLatch");
}
