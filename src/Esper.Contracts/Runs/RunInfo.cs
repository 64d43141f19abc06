using System.Collections.Immutable;

namespace Esper.Contracts.Runs;

/// <summary>One site of the lattice, as shown to people.</summary>
/// <param name="Index">Number of the site.</param>
/// <param name="Name">Name of the value in the host graph that the lattice sits at.</param>
/// <param name="Channels">Number of channels.</param>
/// <param name="SeedChannels">Number of channels of each seed's chunk.</param>
public sealed record SiteInfo(int Index, string Name, int Channels, ImmutableArray<int> SeedChannels);

/// <summary>What is known of a run when it starts.</summary>
/// <param name="RunId">Identifier of the run.</param>
/// <param name="Host">Name of the host.</param>
/// <param name="Dataset">Name of the data set.</param>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Device">Device, <c>cpu</c> or <c>cuda</c>.</param>
/// <param name="Threads">Number of threads in use.</param>
/// <param name="Seed">Seed of all random choices.</param>
/// <param name="Epochs">Number of epochs that the run will have in all.</param>
/// <param name="FirstEpoch">Epoch the run continues with, from 1; more than 1 after a resume.</param>
/// <param name="StepsPerEpoch">Training steps in an epoch.</param>
/// <param name="BatchSize">Examples in a batch.</param>
/// <param name="TrainExamples">Number of training examples.</param>
/// <param name="ValidationExamples">Number of validation examples.</param>
/// <param name="TestExamples">Number of test examples.</param>
/// <param name="Parameters">Number of trained host parameters.</param>
/// <param name="ForwardFlops">Floating point operations of one example's forward pass through the bare host.</param>
/// <param name="Sites">The lattice's sites.</param>
/// <param name="Directory">The run directory.</param>
public sealed record RunInfo(
    string RunId,
    string Host,
    string Dataset,
    string Policy,
    string Device,
    int Threads,
    long Seed,
    int Epochs,
    int FirstEpoch,
    int StepsPerEpoch,
    int BatchSize,
    int TrainExamples,
    int ValidationExamples,
    int TestExamples,
    long Parameters,
    long ForwardFlops,
    ImmutableArray<SiteInfo> Sites,
    string Directory);
