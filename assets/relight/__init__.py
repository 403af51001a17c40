"""Pictures that came back in another light than was asked for, brought into it by their guides' normals."""
