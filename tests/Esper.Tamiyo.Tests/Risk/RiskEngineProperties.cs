using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;
using Esper.Tamiyo.Risk;
using FsCheck;
using FsCheck.Fluent;

namespace Esper.Tamiyo.Tests.Risk;

/// <summary>Laws of the engine, over thresholds, changes and conditions drawn at random, missing and non-finite ones among them.</summary>
public sealed class RiskEngineProperties
{
    private static readonly SeedStage[] Stages =
        [SeedStage.Germinated, SeedStage.Training, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized];

    private static readonly Gen<double?> Measured = Gen.Frequency(
        (1, Gen.Constant<double?>(null)),
        (1, Gen.Elements<double?>(double.NaN, 0, 1)),
        (6, Gen.Choose(-200, 2_000).Select(value => (double?)(value / 1_000.0))));

    private static readonly Gen<double?> Threshold = Gen.Frequency(
        (1, Gen.Constant<double?>(null)), (3, Gen.Choose(0, 1_000).Select(value => (double?)(value / 1_000.0))));

    private static readonly Gen<ModuleOption> Options =
        from name in Gen.Elements("affine", "lowrank-8", "bottleneck-8", "gate-4", "depthwise-3", "bottleneck-8+gated")
        from parameters in Gen.Choose(0, 1_500)
        from flops in Gen.Choose(0, 30_000)
        select new ModuleOption(name, parameters, flops);

    private static readonly Gen<RiskOptions> Settings =
        from a in Threshold
        from b in Threshold
        from c in Threshold
        from d in Threshold
        from e in Threshold
        from f in Threshold
        from g in Threshold
        from h in Threshold
        from i in Threshold
        from tier in Gen.Elements("low", "medium", "high", null!)
        select new RiskOptions
        {
            IsolationMinimum = a,
            GradientRatioMaximum = b,
            GradientRatioMinimum = c,
            LossSpikeMaximum = d,
            LossSpikeRollback = d is null ? null : d + e,
            LossVolatilityMaximum = f,
            MemoryHeadroomMinimum = g,
            StepMsMaximum = h,
            BudgetReserve = i,
            ConfidenceMinimum = e,
            TierMaximum = tier,
        };

    private static readonly Gen<RiskInputs> Situations =
        from stage in Gen.Elements(Stages)
        from module in Options
        from alternatives in Options.ListOf()
        from confidence in Measured
        from gradient in Measured
        from isolation in Measured
        from losses in Gen.Choose(1, 3_000).Select(loss => loss / 1_000.0).ListOf()
        from step in Measured
        from free in Measured
        from quarantined in Gen.Elements("affine", "bottleneck-8", "gate-4").ListOf()
        select new RiskInputs(
            Changes.To(stage) with
            {
                Module = module,
                Alternatives = stage == SeedStage.Germinated ? [.. alternatives] : [],
                Confidence = confidence,
                GradientRatio = gradient,
                Isolation = isolation,
            },
            new RiskConditions([.. losses], step, free, 1),
            [.. quarantined]);

    [Fact]
    public void A_verdict_never_allows_what_any_rule_forbids() => ForAll((options, inputs) =>
    {
        ImmutableArray<RiskRule> rules = RiskRules.Of(options);
        RiskVerdict verdict = new RiskEngine(rules).Assess(inputs);
        RiskFinding[] asked = [.. rules.Where(rule => rule.Concerns(inputs.Change)).Select(rule => rule.Evaluate(inputs))];
        return verdict.Allowed == asked.All(finding => finding.Action == RiskAction.Allow);
    });

    [Fact]
    public void What_a_downgrade_names_is_allowed_by_every_rule() => ForAll((options, inputs) =>
    {
        RiskEngine engine = Changes.Engine(options);
        RiskVerdict verdict = engine.Assess(inputs);
        if (verdict.Action != RiskAction.Downgrade)
        {
            return verdict.Blueprint is null;
        }

        return inputs.Change.Alternatives.Where(option => option.Blueprint == verdict.Blueprint)
            .Any(option => engine.Assess(inputs with { Change = inputs.Change with { Module = option } }).Allowed);
    });

    [Fact]
    public void The_deciding_rule_is_the_first_that_objects_and_is_listed() => ForAll((options, inputs) =>
    {
        RiskVerdict verdict = Changes.Engine(options).Assess(inputs);
        string? first = verdict.Findings.FirstOrDefault(finding => finding.Action != RiskAction.Allow)?.Rule;
        return verdict.Rule == first && verdict.Reason.Length > 0;
    });

    [Fact]
    public void A_finding_allows_only_with_all_its_inputs_and_measurements() => ForAll((options, inputs) =>
        Changes.Engine(options).Assess(inputs).Findings.All(finding => finding.Action != RiskAction.Allow
            || (finding.Missing is null && finding.Measurements.All(measurement => measurement.Passed))));

    [Fact]
    public void The_same_inputs_give_the_same_verdict() => ForAll((options, inputs) =>
    {
        RiskVerdict one = Changes.Engine(options).Assess(inputs);
        RiskVerdict two = Changes.Engine(options).Assess(inputs);
        return (one.Action, one.Rule, one.Reason, one.Blueprint) == (two.Action, two.Rule, two.Reason, two.Blueprint);
    });

    [Fact]
    public void One_rule_more_never_allows_more() => ForAll((options, inputs) =>
    {
        ImmutableArray<RiskRule> rules = RiskRules.Of(options);
        bool all = new RiskEngine(rules).Assess(inputs).Allowed;
        return !all || Enumerable.Range(0, rules.Length).All(index => new RiskEngine(rules.RemoveAt(index)).Assess(inputs).Allowed);
    });

    [Fact]
    public void The_situations_drawn_meet_every_action()
    {
        // Guards the laws above: they would hold for an engine that never allows, or situations that it always does.
        HashSet<RiskAction> met = [];
        foreach ((RiskOptions options, RiskInputs inputs) in Settings.Zip(Situations).Sample(4_000))
        {
            met.Add(Changes.Engine(options).Assess(inputs).Action);
        }

        Assert.Equal(Enum.GetValues<RiskAction>().Order(), met.Order());
    }

    private static void ForAll(Func<RiskOptions, RiskInputs, bool> law) => Prop
        .ForAll(Settings.ToArbitrary(), Situations.ToArbitrary(), law)
        .Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));
}
