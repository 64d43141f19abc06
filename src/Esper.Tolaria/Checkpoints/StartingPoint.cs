using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Kasmina.Lifecycle;
using Esper.Native;
using Esper.Nissa;

namespace Esper.Tolaria.Checkpoints;

/// <summary>
/// Starts a run with what an earlier one has learned: parameters, buffers and fossilized modules. Nothing else comes along: the
/// optimizer is fresh, the step is 0, seeds without a module are as new.
/// </summary>
internal static class StartingPoint
{
    private static readonly string[] HostPrefixes = ["param/", "buffer/"];

    /// <summary>Loads a run directory's newest checkpoint, or a checkpoint file.</summary>
    /// <exception cref="EsperException">There is none, it is of another host, or it has modules that were still on trial.</exception>
    public static void Load(string path, HostSession session, SeedLifecycle lifecycle)
    {
        string file = FileOf(path);
        Checkpoint checkpoint = CheckpointStore.Read(file);
        SeedSnapshot[] grown = [.. checkpoint.State.Seeds.Where(seed => seed.State.Stage.HasModule())];
        if (grown.FirstOrDefault(seed => seed.State.Stage.IsLive()) is { } live)
        {
            throw new EsperException(
                $"start_from: {file} has seed {live.Seed} in stage {live.State.Stage}. Start from a run whose seeds are dormant or fossilized.");
        }

        if (grown.Length > 0)
        {
            RequireSameLattice(file, checkpoint.State.Seeds, lifecycle);
            Dictionary<SeedId, SeedSnapshot> kept = grown.ToDictionary(seed => seed.Seed);
            lifecycle.Load([.. lifecycle.Save().Select(seed => kept.GetValueOrDefault(seed.Seed, seed))]);
        }

        Write(file, session, [.. checkpoint.Tensors.Where(tensor => IsModel(tensor.Name, grown.Length > 0))], grown.Length > 0);
    }

    /// <summary>Loads the host's parameters and buffers alone, for what is measured before a lattice is chosen.</summary>
    /// <exception cref="EsperException">There is no checkpoint, or it is of another host.</exception>
    public static void LoadHost(string path, HostSession session)
    {
        string file = FileOf(path);
        Write(file, session, [.. CheckpointStore.Read(file).Tensors.Where(tensor => IsModel(tensor.Name, modules: false))], modules: false);
    }

    private static string FileOf(string path)
    {
        if (File.Exists(path))
        {
            return path;
        }

        RunDirectory directory = RunDirectory.Open(path);
        return new CheckpointStore(directory.CheckpointsPath, kept: 1).Newest()
            ?? throw new EsperException($"start_from: {directory.CheckpointsPath} holds no checkpoint.");
    }

    private static void RequireSameLattice(string file, ImmutableArray<SeedSnapshot> saved, SeedLifecycle lifecycle)
    {
        if (!saved.Select(seed => seed.Seed).SequenceEqual(lifecycle.Save().Select(seed => seed.Seed)))
        {
            throw new EsperException(
                $"start_from: {file} has modules in a lattice of {saved.Length} seeds, which is not this run's. "
                + "Give lattice.sites and lattice.seeds_per_site as that run has them.");
        }
    }

    private static void Write(string file, HostSession session, ImmutableArray<SavedTensor> tensors, bool modules)
    {
        Dictionary<string, long> given = tensors.ToDictionary(tensor => tensor.Name, tensor => (long)tensor.Data.Length);
        foreach (StateTensor needed in session.State().Where(tensor => IsModel(tensor.Name, modules)))
        {
            if (!given.TryGetValue(needed.Name, out long bytes) || bytes != needed.Bytes)
            {
                throw new EsperException(
                    $"start_from: {file} is of another host: tensor '{needed.Name}' "
                    + (bytes == 0 ? "is missing." : $"has {bytes} bytes, this host's has {needed.Bytes}."));
            }
        }

        foreach (SavedTensor tensor in tensors)
        {
            session.WriteState(tensor.Name, tensor.Data);
        }
    }

    private static bool IsModel(string name, bool modules) =>
        HostPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))
        || (modules && name.StartsWith("arena/", StringComparison.Ordinal));
}
