using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Control;

namespace Esper.Tamiyo.Policies;

/// <summary>
/// What a linear model is told of growing a blueprint at a seed. All features are of order 1, and the same function makes them for a
/// choice to come and for a graft of the past.
/// </summary>
internal static class ArmFeatures
{
    /// <summary>Number of features.</summary>
    public const int Count = 8 + Families;

    private const int Families = 5;

    /// <summary>Writes the features.</summary>
    /// <param name="state">The run; of it, what does not change from epoch to epoch.</param>
    /// <param name="seed">The place.</param>
    /// <param name="blueprint">What grows.</param>
    /// <param name="context">What was known of the place.</param>
    /// <param name="epoch">Epochs done at the decision.</param>
    /// <param name="features">Receives <see cref="Count"/> numbers.</param>
    /// <exception cref="EsperException">The place was not probed: without its gradient there is no such feature.</exception>
    public static void Write(
        SystemState state, SeedId seed, Blueprint blueprint, GraftContext context, int epoch, Span<double> features)
    {
        if (context.Growth is not { } growth)
        {
            throw new EsperException($"seeds[{seed}].growth is missing: a contextual policy needs the gradient probe of every place.");
        }

        int sites = state.Seeds[^1].Seed.Site + 1;
        features.Clear();
        features[0] = 1;
        features[1] = sites > 1 ? (double)seed.Site / (sites - 1) : 0;
        features[2] = Math.Log2(context.Channels) / 8;
        features[3] = Share(blueprint.ParameterCount(context.Channels), state.Allowance.HostParameters);
        features[4] = Share(blueprint.ForwardFlops(context.Channels, context.Positions), state.Allowance.HostFlops);
        features[5] = Math.Log(1 + growth.Signal);
        features[6] = growth.Agreement;
        features[7] = (double)epoch / state.TotalEpochs;
        features[8 + (int)blueprint.Family] = 1;
    }

    /// <summary>Cost as a share of the host's, in fourths of decades below it: 0 = as much as the host, 1 = a ten thousandth.</summary>
    private static double Share(long cost, long host) => -Math.Log10((double)cost / host) / 4;
}
